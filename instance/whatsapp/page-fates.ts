import { z } from 'zod';
import type { Fate, FateQuery } from './client.ts';

/** What the page answers to {@link fatesExpression}. */
const answerSchema = z.object({
  connected: z.boolean(),
  fates: z.array(
    z.union([
      z.object({ kind: z.literal('present'), whatsappId: z.string(), ack: z.number() }),
      z.object({ kind: z.enum(['storing', 'refused', 'absent']) }),
    ]),
  ),
});

/** Throws where the page answers what it never should. */
export function parseFates(answer: unknown): { connected: boolean; fates: Fate[] } {
  return answerSchema.parse(answer);
}

/**
 * Asks the page's history for messages of ours: those in memory, and those in its database by every key they may lie under there (a chat may be known by a phone number
 * or by a LID, and in a group the sender's own id is part of the key). One look for many.
 */
export function fatesExpression(queries: readonly FateQuery[]): string {
  return `(${FATES})(${JSON.stringify(queries)})`;
}

const FATES = `async (queries) => {
  const { Msg } = window.require('WAWebCollections');
  const { Socket } = window.require('WAWebSocketModel');
  const { createWid, asUserWidOrThrow } = window.require('WAWebWidFactory');
  const { getMaybeMePnUser, getMaybeMeLidUser } = window.require('WAWebUserPrefsMeUser');
  const optional = (look) => {
    try {
      return look() ?? undefined;
    } catch {
      return undefined;
    }
  };
  const me = [getMaybeMePnUser, getMaybeMeLidUser].flatMap((mine) => {
    const wid = optional(() => asUserWidOrThrow(mine()));
    return wid === undefined ? [] : [wid._serialized];
  });
  const otherIds = (wid) => [
    optional(() => window.require('WAWebApiContact').getCurrentLid(wid)),
    optional(() => window.require('WAWebLidMigrationUtils').toPn(wid)),
  ];
  const keysOf = ({ to, key, whatsappId }) => {
    const keys = new Set(whatsappId ? [whatsappId] : []);
    const wid = optional(() => createWid(to));
    for (const chat of new Set([to, ...(wid ? otherIds(wid) : []).flatMap((one) => (one ? [one._serialized] : []))])) {
      const base = 'true_' + chat + '_' + key;
      if (chat.endsWith('@g.us')) for (const participant of me) keys.add(base + '_' + participant);
      else keys.add(base);
    }
    return [...keys];
  };
  const wanted = queries.map((query) => ({ query, keys: keysOf(query) }));
  const found = new Map();
  const note = (message) => {
    if (message?.id?.fromMe) found.set(message.id.id, message);
  };
  const missing = [];
  for (const { keys } of wanted) {
    const held = keys.map((key) => Msg.get(key)).find(Boolean);
    if (held) note(held);
    else missing.push(...keys);
  }
  if (missing.length > 0) for (const message of (await Msg.getMessagesById(missing))?.messages ?? []) note(message);
  const fates = wanted.map(({ query }) => {
    const message = found.get(query.key);
    const stage = window.wharfSends?.get(query.key);
    if (stage === 'storing') return { kind: 'storing' };
    if (message) return { kind: 'present', whatsappId: message.id._serialized, ack: Number(message.ack ?? 0) };
    return { kind: stage === 'refused' ? 'refused' : 'absent' };
  });
  return { connected: String(Socket.state) === 'CONNECTED', fates };
}`;
