import { describe, expect, it } from 'vitest';
import { newMessageId, whatsappKeyOf } from '../../../../fleet/queue/message-ids.ts';
import type { Session } from '../../../../instance/session/session.ts';
import type { Happening } from '../../../../instance/whatsapp/client.ts';
import { eventually } from '../../../helpers/eventually.ts';
import { emulatedWhatsApp, sessionHost } from './setup.ts';

const PHONE = '491700000012';
const TO = '491711111120@c.us';

interface SentList {
  sent: { id: string; ack: number }[];
}

/** A linked session, and the acks that were heard. */
async function linked(faults: Parameters<typeof emulatedWhatsApp>[0] = {}) {
  const whatsapp = await emulatedWhatsApp(faults);
  const acks: Extract<Happening, { kind: 'ack' }>[] = [];
  const listener = {
    changed: () => {},
    qr: () => {},
    happened: (_session: Session, happening: Happening) => {
      if (happening.kind === 'ack') acks.push(happening);
    },
    settle: async () => {},
    left: () => {},
  };
  const host = await sessionHost(whatsapp, { listeners: [listener] });
  return { whatsapp, acks, session: await host.linked(PHONE) };
}

async function send(session: Session, text: string): Promise<string> {
  const key = whatsappKeyOf(newMessageId({ workspace: '7', session: 'main' }));
  return await session.readyClient().send({ to: TO, text }, key, async () => true);
}

/** Facts file, 12: the library's sendMessage returns as soon as the page has taken the message. */
describe('a message that the page has taken', () => {
  it("is with WhatsApp's server when that has acknowledged it, and not before", async () => {
    const { acks, session, whatsapp } = await linked({ delivered_delay_ms: null });
    await whatsapp.post('/config', { ack_delay_ms: 700 });
    const from = performance.now();
    const whatsappId = await send(session, 'slowly acknowledged');
    expect(acks.filter(({ ack }) => ack >= 1)).toEqual([]);
    await eventually(() => acks.some((each) => each.whatsappId === whatsappId && each.ack === 1));
    expect(performance.now() - from).toBeGreaterThanOrEqual(700);
  });

  it.each([
    ['the server has it, and its ack is lost', { lose_acks: true }, 1],
    ['the server never got it', { lose_sends: true }, 0],
  ] as const)('looks the same to the page when %s', async (_why, fault, arrived) => {
    const { acks, session, whatsapp } = await linked();
    await whatsapp.post('/config', fault);
    await send(session, 'no answer');
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(acks.filter(({ ack }) => ack !== 0)).toEqual([]);
    expect((await whatsapp.get<SentList>('/sent')).sent).toHaveLength(arrived);
    // The session itself is well, and says so.
    expect(session.status).toBe('ready');
  });

  it('has ack -1 when the server refuses it', async () => {
    const { acks, session } = await linked({ fail_sends: true });
    const whatsappId = await send(session, 'refused');
    await eventually(() => acks.some((each) => each.whatsappId === whatsappId && each.ack === -1));
  });
});
