import { describe, expect, it } from 'vitest';
import { emulatedWhatsApp, sessionHost } from './setup.ts';

const PHONE = '491700000012';
const TO = '491711111120@c.us';

interface SentList {
  sent: { id: string; ack: number }[];
}

/** Facts file, 12: the library's sendMessage returns as soon as the page has taken the message. */
describe('a message that the page has taken', () => {
  it("is sent when WhatsApp's server has acknowledged it, and not before", async () => {
    const whatsapp = await emulatedWhatsApp({ delivered_delay_ms: null });
    const host = await sessionHost(whatsapp);
    const session = await host.linked(PHONE);

    await whatsapp.post('/config', { ack_delay_ms: 700 });
    const from = performance.now();
    const receipt = await session.send({ to: TO, text: 'slowly acknowledged' }, 'msg_aaaaaaaaaa', 20_000);
    expect(receipt.status).toBe('sent');
    expect(performance.now() - from).toBeGreaterThanOrEqual(700);
  });

  it.each([
    ['the server has it, and its ack is lost', { lose_acks: true }, 1],
    ['the server never got it', { lose_sends: true }, 0],
  ] as const)('is still sending when no ack came in time: %s', async (_why, fault, arrived) => {
    const whatsapp = await emulatedWhatsApp();
    const host = await sessionHost(whatsapp);
    const session = await host.linked(PHONE);
    await whatsapp.post('/config', fault);
    const receipt = await session.send({ to: TO, text: 'no answer' }, 'msg_bbbbbbbbbb', 500);
    expect(receipt.status).toBe('sending');
    expect((await whatsapp.get<SentList>('/sent')).sent).toHaveLength(arrived);
    // The session itself is well, and says so.
    expect(session.status).toBe('ready');
  });

  it('is unknown when the session is lost before the ack', async () => {
    const whatsapp = await emulatedWhatsApp({ lose_acks: true });
    const host = await sessionHost(whatsapp);
    const session = await host.linked(PHONE);
    const sending = session.send(
      { to: TO, text: 'and then the browser was killed' },
      'msg_cccccccccc',
      60_000,
    );
    await expect
      .poll(async () => (await whatsapp.get<SentList>('/sent')).sent.length, { timeout: 10_000 })
      .toBe(1);
    process.kill(session.browserPid ?? 0, 'SIGKILL');
    // In the one moment the page may not have answered yet that it took the message: then nobody can say more either.
    const outcome = await sending.then(
      (receipt) => receipt.status,
      (error: { code?: string }) => error.code,
    );
    expect(['unknown', 'send_unknown']).toContain(outcome);
  });

  it('is an error when the server refuses it', async () => {
    const whatsapp = await emulatedWhatsApp({ fail_sends: true });
    const host = await sessionHost(whatsapp);
    const session = await host.linked(PHONE);
    await expect(session.send({ to: TO, text: 'refused' }, 'msg_dddddddddd', 20_000)).rejects.toMatchObject({
      code: 'send_failed',
    });
  });

  it('is an error when nobody with that number is on WhatsApp, and nothing is sent', async () => {
    const whatsapp = await emulatedWhatsApp();
    const host = await sessionHost(whatsapp);
    const session = await host.linked(PHONE);
    await expect(
      session.send({ to: '000123456789@c.us', text: 'to nobody' }, 'msg_eeeeeeeeee', 20_000),
    ).rejects.toMatchObject({ code: 'recipient_not_on_whatsapp' });
    expect((await whatsapp.get<SentList>('/sent')).sent).toEqual([]);
  });
});
