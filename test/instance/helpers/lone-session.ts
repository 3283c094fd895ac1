import { expect } from 'vitest';
import type { SessionRecord } from '../../../fleet/records.ts';
import { Session, type SessionParts } from '../../../instance/session/session.ts';
import { eventually } from '../../helpers/eventually.ts';
import { aRecord } from '../../helpers/session-record.ts';
import { type ClientScript, FakeClients } from './fake-clients.ts';
import { aTenure, memoryParts } from './session-parts.ts';

/** A session in memory with fake browsers, not started, and what it stands on. */
export function aSession(
  given: {
    script?: Partial<ClientScript>;
    record?: Partial<SessionRecord>;
    parts?: Partial<SessionParts>;
  } = {},
) {
  const clients = new FakeClients(given.script);
  const memory = memoryParts(clients, given.parts);
  const record = aRecord(given.record);
  memory.store.records.set('7/main', record);
  const session = new Session(record, aTenure(), memory.parts);
  return { clients, session, ...memory, stored: () => memory.store.records.get('7/main') };
}

/** As {@link aSession}, with its first browser started. */
export async function runningSession(given: Parameters<typeof aSession>[0] = {}) {
  const made = aSession(given);
  made.session.resume();
  await started(made.clients, 1);
  return made;
}

/** Waits until so many browsers were made, and the last one was started. */
export async function started(clients: FakeClients, count: number): Promise<void> {
  await eventually(() => clients.made.length === count && clients.last.calls.length > 0);
}

/** As {@link runningSession}, ready. */
export async function readySession(given: Parameters<typeof aSession>[0] = {}) {
  const made = await runningSession(given);
  made.clients.last.becomeReady();
  expect(made.session.status).toBe('ready');
  return made;
}
