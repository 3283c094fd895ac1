import { setImmediate as nextTurn } from 'node:timers/promises';
import { createLogger } from '../../../common/logger.ts';
import type { SessionRecord } from '../../../fleet/records.ts';
import { type GenerationName, SessionPaths } from '../../../fleet/session-paths.ts';
import { ProfileStore } from '../../../instance/profile/profile-store.ts';
import { Trash } from '../../../instance/profile/trash.ts';
import { newCounters } from '../../../instance/session/counters.ts';
import { newLossCounts } from '../../../instance/session/losses.ts';
import type { Session, SessionParts } from '../../../instance/session/session.ts';
import { SessionStore, type StoredSession } from '../../../instance/session/session-store.ts';
import type { Tenure } from '../../../instance/session/session-takeover.ts';
import { StartGate } from '../../../instance/session/start-gate.ts';
import type { FakeClients } from './fake-clients.ts';
import { ManualClock } from './manual-clock.ts';

const NOWHERE = new SessionPaths('/nowhere');

/** Records in memory; a write takes some turns of the event loop, as many as it is told. */
class MemoryStore extends SessionStore {
  readonly records = new Map<string, SessionRecord>();
  /** Turns of the event loop the next writes take. */
  turns: () => number = () => 1;
  /** What the next writes fail with. */
  fault: Error | undefined;

  constructor() {
    super(NOWHERE);
  }

  override async read(workspace: string, session: string): Promise<StoredSession | undefined> {
    await nextTurn();
    const record = this.records.get(`${workspace}/${session}`);
    return record && { record, epoch: 0 };
  }

  override async write(record: SessionRecord): Promise<void> {
    for (let turn = this.turns(); turn > 0; turn -= 1) await nextTurn();
    if (this.fault) throw this.fault;
    this.records.set(`${record.workspace_id}/${record.session_id}`, record);
  }

  override async list(workspace: string): Promise<string[]> {
    return [...this.records.values()]
      .filter((record) => record.workspace_id === workspace)
      .map((record) => record.session_id);
  }
}

/** Profiles that are always good, or what a test makes of them. */
class MemoryProfiles extends ProfileStore {
  readonly clean: GenerationName[] = [];
  fault: Error | undefined;
  state: 'ready' | 'damaged' = 'ready';
  /** Where the last good copy comes from, or null: there is none. */
  lastGood: string | null = null;
  /** What was done with them, beside opening: `ready`, `good copy`, `last good`, `tidy`. */
  readonly calls: string[] = [];
  #restored = false;

  constructor() {
    super(NOWHERE, new ManualClock());
  }

  override async open(name: GenerationName) {
    await nextTurn();
    if (this.fault) throw this.fault;
    const directory = NOWHERE.generation(name);
    const userData = NOWHERE.userData(name);
    const restored = this.#restored;
    this.#restored = false;
    if (restored) this.state = 'ready';
    return { state: this.state, directory, userData, fresh: true, restored, repair: null, recordFault: null };
  }

  override async markCleanStop(name: GenerationName) {
    this.clean.push(name);
    return { marked: true, report: { files: 0, truncated: [], removedLinks: [], faults: [] } };
  }

  override async markReady() {
    this.calls.push('ready');
  }

  override async keepGoodCopy() {
    this.calls.push('good copy');
  }

  override async prepareLastGood() {
    await nextTurn();
    this.calls.push('last good');
    this.#restored = this.lastGood !== null;
    return this.lastGood === null ? null : { from: this.lastGood, takenAt: Date.UTC(2026, 10, 21) };
  }

  override async tidy() {
    this.calls.push('tidy');
    return { trashed: [], removed: [], unfinished: [] };
  }

  override async generations() {
    return [];
  }
}

/** A trash that only notes what it was given. */
class MemoryTrash extends Trash {
  readonly moved: string[] = [];

  constructor() {
    super(NOWHERE, new ManualClock());
  }

  override async moveGeneration(name: GenerationName): Promise<string> {
    await nextTurn();
    this.moved.push(`${name.session}/gen-${name.generation}`);
    return '/nowhere/trash';
  }

  override async moveSession(_workspace: string, session: string): Promise<string> {
    await nextTurn();
    this.moved.push(session);
    return '/nowhere/trash';
  }
}

/** The parts of a session in memory; all that a test did not give. */
export function memoryParts(clients: FakeClients, changes: Partial<SessionParts> = {}) {
  const lines: Record<string, unknown>[] = [];
  const history: string[] = [];
  const store = new MemoryStore();
  const profiles = new MemoryProfiles();
  const trash = new MemoryTrash();
  const clock = new ManualClock();
  const parts: SessionParts = {
    instance: 'instance-1',
    clients: clients.factory,
    listeners: [],
    chromium: [156, 0, 0, 0],
    profiles,
    store,
    trash,
    gate: new StartGate(100),
    copies: new StartGate(100),
    clock,
    backoff: { base: 5000, maxAttempts: 10, slow: 900_000 },
    timeouts: { health: 30_000, ready: 600_000, qr: 600_000 },
    counters: newCounters(),
    losses: newLossCounts(),
    log: createLogger('trace', {}, { write: (line) => lines.push(JSON.parse(line)) }),
    random: () => 0,
    onChange: (session: Session) => {
      if (history.at(-1) !== session.status) history.push(session.status);
    },
    onGone: () => {},
    ...changes,
  };
  return { parts, store, profiles, trash, clock, lines, history };
}

/** Terms on which everything may be done, at epoch 1 on profiles of any generation. */
export function aTenure(changes: Partial<Tenure> = {}): Tenure {
  return {
    epoch: 1,
    generation: 1,
    released: false,
    startAt: 0,
    left: () => 60_000,
    require: () => {},
    settled: async () => {},
    ...changes,
  };
}
