import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newMessageId } from '../../../fleet/queue/message-ids.ts';
import { startProgram, treeCpuSeconds } from '../support/processes.ts';
import { AcceptingFleet, HEADERS } from './accepting-fleet.ts';
import { BULK, type Posted, post, type Scripts, TEXT, writeScripts } from './posting.ts';

const SESSIONS = 100;
/** Connections that post single messages. */
const CONNECTIONS = 64;
/** Connections that post in bulk, and calls of addBulk under way. */
const AT_ONCE = 4;

/** What a round of each way found. Rates are messages a second. */
export interface AcceptingRound {
  single: Posted;
  withKey: Posted;
  bulk: Posted;
  bulkPerSecond: number;
  rawPerSecond: number;
  /** CPU seconds of the router's process for 1000 messages. */
  routerCpu: { single: number; bulk: number };
}

export interface Accepting {
  rounds: AcceptingRound[];
  redisVersion: string;
  /** Of Redis for each message that lies in a queue. */
  bytesPerMessage: number;
}

/** How fast messages are accepted, one by one and in bulk, and how fast BullMQ by itself takes as many; rounds of all ways alternate. */
export async function measureAccepting(quick: boolean, say: (text: string) => void): Promise<Accepting> {
  const seconds = quick ? 2 : 8;
  const fleet = await AcceptingFleet.start(quick ? 20 : SESSIONS);
  const directory = await mkdtemp(join(tmpdir(), 'wharf-bench-wrk-'));
  try {
    const scripts = await writeScripts(directory, fleet.sessions, HEADERS);
    const before = await fleet.redisInfo();
    // Compilers warm up first.
    await post(fleet.url, scripts.single, CONNECTIONS, quick ? 1 : 4);
    await post(fleet.url, scripts.bulk, AT_ONCE, quick ? 1 : 4);
    const rounds: AcceptingRound[] = [];
    let accepted = 0;
    for (let number = 1; number <= (quick ? 1 : 5); number += 1) {
      const round = await oneRound(fleet, scripts, seconds);
      rounds.push(round);
      accepted += round.single.requests + round.withKey.requests + round.bulk.requests * BULK;
      say(
        `round ${number}: single ${Math.round(round.single.requestsPerSecond)}/s, with keys ${Math.round(round.withKey.requestsPerSecond)}/s, bulk ${Math.round(round.bulkPerSecond)}/s, BullMQ by itself ${Math.round(round.rawPerSecond)}/s`,
      );
    }
    const depth = await fleet.depth();
    // What was under way when wrk went was accepted and not counted.
    if (depth < accepted)
      throw new Error(`${accepted} messages were accepted, and the queues have only ${depth}`);
    const after = await fleet.redisInfo();
    return {
      rounds,
      redisVersion: after.version,
      bytesPerMessage: ((after.usedMegabytes - before.usedMegabytes) * 2 ** 20) / depth,
    };
  } finally {
    await fleet.close();
    await rm(directory, { recursive: true, force: true });
  }
}

async function oneRound(fleet: AcceptingFleet, scripts: Scripts, seconds: number): Promise<AcceptingRound> {
  const cpu = () => treeCpuSeconds(fleet.router.pid);
  const start = await cpu();
  const single = await post(fleet.url, scripts.single, CONNECTIONS, seconds);
  const afterSingle = await cpu();
  const rawPerSecond = await rawRound(fleet, seconds);
  const beforeBulk = await cpu();
  const bulk = await post(fleet.url, scripts.bulk, AT_ONCE, seconds);
  const afterBulk = await cpu();
  const withKey = await post(fleet.url, scripts.withKey, CONNECTIONS, seconds);
  return {
    single,
    withKey,
    bulk,
    bulkPerSecond: bulk.requestsPerSecond * BULK,
    rawPerSecond,
    routerCpu: {
      single: (1000 * (afterSingle - start)) / single.requests,
      bulk: (afterBulk - beforeBulk) / bulk.requests,
    },
  };
}

/** BullMQ by itself, with data of the same size. */
async function rawRound(fleet: AcceptingFleet, seconds: number): Promise<number> {
  const session = { workspace: '1', session: 's1' };
  const data = {
    message_id: newMessageId(session),
    workspace_id: '1',
    session_id: 's1',
    priority: 'normal',
    on_unknown: 'report',
    accepted_at: new Date().toISOString(),
    send_at: null,
    waiter: null,
    message: { to: '491701234567@c.us', text: TEXT },
  };
  const raw = await startProgram('test/bench/messages/raw-bullmq-process.ts', {
    REDIS_URL: fleet.otherDatabase,
    SECONDS: `${seconds}`,
    AT_ONCE: `${AT_ONCE}`,
    JOBS: `${BULK}`,
    DATA: JSON.stringify(data),
  });
  await raw.stop();
  await fleet.emptyOtherDatabase();
  const { added, counted, seconds: took } = raw.ready as { added: number; counted: number; seconds: number };
  if (counted !== added) throw new Error(`BullMQ was given ${added} jobs and has ${counted}`);
  return added / took;
}
