import { join } from 'node:path';
import type { LocalFleetRecord } from './record.ts';

/** The one line of `--json`. */
export function readyJson(record: LocalFleetRecord, data: string): string {
  const { url, api_key, emulator, instances } = record;
  return `${JSON.stringify({ url, api_key, emulator, instances, data })}\n`;
}

/**
 * What a person sees when all is ready: where it is, and a way from nothing to a received message.
 *
 * @param data the data directory as the person would write it
 * @param backups where backups are kept, likewise; null where the environment says so
 * @param isDefault whether commands find the fleet without being told where it is
 */
export function readyText(
  record: LocalFleetRecord,
  data: string,
  backups: string | null,
  isDefault: boolean,
): string {
  const wharf = isDefault ? 'npx wharf' : `npx wharf --data ${data}`;
  const lines = [
    '',
    `Wharf runs. Ctrl-C ends it.`,
    '',
    `  web page   ${record.url}/#key=${record.api_key}`,
    `  API        ${record.url}   (described at ${record.url}/docs)`,
    `  API key    ${record.api_key}`,
    `  logs       ${join(data, 'logs')}`,
    `  backups    every hour, ${backups === null ? 'as the environment says' : `in ${backups}`}   (${wharf} backup list)`,
    '',
    'Try it, in another terminal:',
    '',
    `  ${wharf} sessions create 1 first      # a session of workspace 1`,
  ];
  if (record.emulator === null) {
    lines.push(
      `  ${wharf} sessions qr first            # scan it in WhatsApp: Settings, Linked devices`,
      `  ${wharf} sessions send first NUMBER "Hello"`,
    );
  } else {
    lines.push(
      `  ${wharf} phone scan first             # an emulated phone scans its QR`,
      `  ${wharf} sessions send first 491701234567 "Hello"`,
      `  ${wharf} phone deliver first 491701234567 "Hello to you"`,
      '',
      '  # what it has received, as a program asks for it:',
      `  curl -s -H 'X-Api-Key: ${record.api_key}' \\`,
      `    ${record.url}/api/whatsapp/sessions/first/chats/491701234567@c.us/messages`,
      '',
    );
  }
  lines.push(`  ${wharf} status`, '');
  return lines.join('\n');
}
