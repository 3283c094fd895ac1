import { expect, it } from 'vitest';
import { eventually } from '../../../helpers/eventually.ts';
import { emulatedWhatsApp, sessionHost } from './setup.ts';

const PHONE = '491700000004';

interface Log {
  log: { id: number; event: string }[];
}

/** Facts file, 4. */
it('shows a new QR by itself, again and again, when the last of a series has run out', async () => {
  const whatsapp = await emulatedWhatsApp({ qr_refs: 2, qr_ttl_ms: 400 });
  const host = await sessionHost(whatsapp);
  const session = await host.create();
  const shown = new Set<string>();
  const expiries = async () => (await whatsapp.get<Log>('/log?event=refs_expired')).log.length;

  // Two whole series have run out, and a code of the third is shown.
  await eventually(async () => {
    if (session.links.current) shown.add(session.links.current.code);
    return shown.size >= 5 && (await expiries()) >= 2;
  });
  expect(session.status).toBe('qr');

  await whatsapp.post('/config', { qr_ttl_ms: 60_000 });
  const known = shown.size;
  await eventually(async () => {
    if (session.links.current) shown.add(session.links.current.code);
    return shown.size > known;
  });
  await host.link(session, PHONE);
  expect(host.times('starting')).toBe(1);
  expect(host.pauses()).toEqual([]);
});
