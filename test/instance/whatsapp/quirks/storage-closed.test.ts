import { expect, it } from 'vitest';
import { PING, STORAGE_WATCH } from '../../../../instance/whatsapp/storage-watch.ts';
import { eventually } from '../../../helpers/eventually.ts';
import { emulatedWhatsApp } from './setup.ts';

it('is no living page any more once the browser has closed its storage under it, though it still answers', async () => {
  const whatsapp = await emulatedWhatsApp();
  // The library hands it to Puppeteer, which takes text too.
  const evalOnNewDoc = STORAGE_WATCH as unknown as () => void;
  const client = await whatsapp.client(undefined, { evalOnNewDoc });
  await whatsapp.link(client, '491700000095');
  const page = client.pupPage;
  if (!page) throw new Error('the client has no page');
  expect(await page.evaluate(PING)).toBe(true);

  // Closes all connections to its databases by force, as an error of the disk does.
  const devtools = await page.createCDPSession();
  const origin = 'https://web.whatsapp.com';
  await devtools.send('Storage.clearDataForOrigin', { origin, storageTypes: 'indexeddb' });
  const refusal = await eventually(() =>
    page.evaluate(PING).then(
      () => undefined,
      (error: Error) => error.message,
    ),
  );
  expect(refusal).toContain('its storage was closed under it');
  expect(await page.evaluate('1 + 1')).toBe(2);

  await page.reload();
  await eventually(() => page.evaluate(PING).catch(() => false));
});
