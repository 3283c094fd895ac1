import { messageOf } from '../../common/errors.ts';
import type { Chromium } from '../../instance/whatsapp/chromium.ts';
import type { Finding } from './finding.ts';

/**
 * Whether there is a Chromium, and whether its sandbox works for this user.
 *
 * @param find how an instance finds it
 */
export async function checkChromium(find: () => Promise<Chromium>): Promise<Finding[]> {
  let chromium: Chromium;
  try {
    chromium = await find();
  } catch (error) {
    return [{ subject: 'Chromium', status: 'failed', detail: messageOf(error) }];
  }
  const found: Finding = {
    subject: 'Chromium',
    status: 'ok',
    detail: `${chromium.version} at ${chromium.path}`,
  };
  if (chromium.sandbox) return [found, { subject: 'Chromium sandbox', status: 'ok', detail: 'usable' }];
  return [
    found,
    {
      subject: 'Chromium sandbox',
      status: 'warning',
      detail: `not usable: ${chromium.sandboxReason ?? 'no reason was given'}`,
      hint: 'Run instances as a user other than root, on a host that allows user namespaces. Without the sandbox a page that breaks out of Chromium has all rights of that user.',
    },
  ];
}
