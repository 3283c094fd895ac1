import { messageOf, WharfError } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { Redis } from '../../common/redis.ts';
import type { MessagingConfig, QueueDurability } from '../messaging-config.ts';

/** How long a start waits for the Redis of the queues, so that its settings can be looked at, milliseconds. */
const PATIENCE = 3000;

/** How often a Redis that is refused is looked at again, milliseconds. */
const LOOK_AGAIN = 2000;

/** What a Redis says of itself: the fields of INFO, and those settings that CONFIG tells, by the names Redis uses. */
export type RedisFacts = Readonly<Record<string, string>>;

/** One reason for which a Redis may lose what it confirmed. */
export interface DurabilityFault {
  /** The setting, as redis.conf has it. */
  setting: string;
  /** What is wrong, and what it costs. */
  detail: string;
  /** What to write. */
  hint: string;
  /** It is none of settings: it passes when what is away comes back, so that a process starts all the same. */
  passing?: true;
}

/**
 * Why a Redis may lose messages that it confirmed; empty: it keeps them. What it does not tell (managed servers refuse CONFIG) is not held against it.
 *
 * @param promise `replicas`: a file is not asked for, but a replica is, since WAIT then is all that there is
 */
export function durabilityFaults(facts: RedisFacts, promise: QueueDurability = 'file'): DurabilityFault[] {
  const faults: DurabilityFault[] = [];
  const isWithoutFile = facts['aof_enabled'] === '0';
  if (isWithoutFile && promise === 'replicas' && Number(facts['connected_slaves'] ?? 0) === 0) {
    faults.push({
      setting: 'replicaof',
      detail:
        'there is no append-only file, and no replica is connected: what was accepted is lost when Redis restarts',
      hint: 'a replica with replicaof, or appendonly yes',
      passing: true,
    });
  }
  if (isWithoutFile && promise === 'file') {
    faults.push({
      setting: 'appendonly',
      detail:
        'there is no append-only file: what was accepted since the last snapshot is lost when Redis restarts',
      hint: 'appendonly yes',
    });
  }
  // Without a file that was asked for, how it would be synced is of no account.
  const isFileAskedFor = !(isWithoutFile && promise === 'replicas');
  if (isFileAskedFor && facts['appendfsync'] !== undefined && facts['appendfsync'] !== 'always') {
    faults.push({
      setting: 'appendfsync',
      detail: `the append-only file is synced ${facts['appendfsync'] === 'no' ? 'when the system likes to' : 'once a second'}: what was accepted since is lost with its host`,
      hint: 'appendfsync always',
    });
  }
  if (facts['aof_enabled'] === '1' && (facts['aof_last_write_status'] ?? 'ok') !== 'ok') {
    faults.push({
      setting: 'appendonly',
      detail: 'the append-only file cannot be written',
      hint: "look at Redis's disk: is it full?",
    });
  }
  if (facts['no-appendfsync-on-rewrite'] === 'yes') {
    faults.push({
      setting: 'no-appendfsync-on-rewrite',
      detail: 'the file is not synced while it is rewritten',
      hint: 'no-appendfsync-on-rewrite no',
    });
  }
  const policy = facts['maxmemory_policy'];
  if (policy !== undefined && policy !== 'noeviction') {
    faults.push({
      setting: 'maxmemory-policy',
      detail: `it is ${policy}: when memory is short, Redis throws messages away`,
      hint: 'maxmemory-policy noeviction',
    });
  }
  return faults;
}

/** What a Redis says of itself. */
export async function readRedisFacts(redis: Redis): Promise<RedisFacts> {
  return { ...readInfo(await redis.info()), ...(await readSettings(redis)) };
}

/** The fields of Redis's INFO. */
export function readInfo(text: string): RedisFacts {
  const lines = text.split('\r\n').filter((line) => line.includes(':'));
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]),
  );
}

/** Managed servers refuse CONFIG; what INFO tells must do then. */
async function readSettings(redis: Redis): Promise<RedisFacts> {
  try {
    const answer: unknown = await redis.call('CONFIG', 'GET', 'appendfsync', 'no-appendfsync-on-rewrite');
    if (!Array.isArray(answer)) return {};
    const texts = answer.filter((part) => typeof part === 'string');
    return Object.fromEntries(
      texts.flatMap((name, index) => (index % 2 === 0 ? [[name, texts[index + 1] ?? '']] : [])),
    );
  } catch {
    return {};
  }
}

/** Judges the Redis of the queues: at the start, and each time it is reached anew, since it may be another one then. */
export class Durability {
  readonly #redis: Redis;
  readonly #config: MessagingConfig;
  readonly #log: Logger;
  #judged = false;
  /** Every fault there is will pass. */
  #isPassing = false;
  #refusal: WharfError | undefined;
  #told = '';
  #judgedAt = 0;

  private constructor(redis: Redis, config: MessagingConfig, log: Logger) {
    this.#redis = redis;
    this.#config = config;
    this.#log = log;
  }

  /**
   * Refuses, in production, a Redis that may lose what it confirmed; elsewhere warns of it. One that does not answer is judged when it does, and a replica that is away may
   * come back: the process starts all the same, and {@link Durability.require} refuses meanwhile.
   *
   * @throws WharfError `config_invalid` that names each setting
   */
  static async check(redis: Redis, config: MessagingConfig, log: Logger): Promise<Durability> {
    const durability = new Durability(redis, config, log);
    try {
      await whenReady(redis);
      await durability.#judge();
    } catch (error) {
      log.warn(
        { redis: config.queueRedis.shown, reason: messageOf(error) },
        'the Redis of the message queues does not answer: its settings are looked at when it does',
      );
    }
    if (durability.#refusal && !durability.#isPassing) throw durability.#refusal;
    redis.on('ready', () => {
      durability.#judge().catch((error: unknown) => {
        log.warn(
          { reason: messageOf(error) },
          'the settings of the Redis of the message queues could not be read',
        );
      });
    });
    return durability;
  }

  /**
   * Throws where, in production, the first Redis that was reached may lose what it confirmed. One that comes after a good one (a replica that was made the master) is not
   * refused: nobody would be helped by that.
   *
   * @throws WharfError `queue_unavailable`
   */
  require(): void {
    if (!this.#refusal) return;
    // It may have been mended meanwhile, without a restart.
    if (performance.now() > this.#judgedAt + LOOK_AGAIN) {
      this.#judgedAt = performance.now();
      this.#judge().catch(() => {});
    }
    throw new WharfError('queue_unavailable', this.#refusal.message, { cause: this.#refusal });
  }

  async #judge(): Promise<void> {
    const faults = durabilityFaults(await readRedisFacts(this.#redis), this.#config.durability);
    const isFirst = !this.#judged;
    this.#judged = true;
    this.#isPassing = faults.every(({ passing }) => passing);
    if (faults.length === 0) {
      this.#refusal = undefined;
      this.#told = '';
      return;
    }
    const refusal = refusalOf(faults, this.#config);
    // Whoever starts is told by the error; it is logged where there is nobody to throw it to.
    if (this.#config.production && (isFirst || this.#refusal)) this.#refusal = refusal;
    if (this.#told === refusal.message) return;
    this.#told = refusal.message;
    this.#log.warn(
      { redis: this.#config.queueRedis.shown, settings: faults.map(({ hint }) => hint) },
      this.#isPassing
        ? 'no replica of the message queues is connected: with NODE_ENV=production, a router that starts accepts no messages until one is'
        : 'the Redis of the message queues may lose messages that were accepted, which a start with NODE_ENV=production refuses',
    );
  }
}

function refusalOf(faults: readonly DurabilityFault[], config: MessagingConfig): WharfError {
  return new WharfError(
    'config_invalid',
    [
      `The Redis of the message queues at ${config.queueRedis.shown} may lose messages that were accepted, which production does not allow:`,
      ...faults.map(({ setting, detail, hint }) => `  ${setting}: ${detail}. In redis.conf: ${hint}`),
      'Correct redis.conf and restart Redis (or CONFIG SET and CONFIG REWRITE), or name another Redis in QUEUE_REDIS_URL.',
    ].join('\n'),
    { faults: faults.map(({ setting, detail }) => ({ path: setting, message: detail })) },
  );
}

async function whenReady(redis: Redis): Promise<void> {
  const end = performance.now() + PATIENCE;
  while (redis.status !== 'ready') {
    if (performance.now() > end) throw new Error(`no answer within ${PATIENCE} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
