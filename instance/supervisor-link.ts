import { ERROR_CODES, type ErrorCode, messageOf, WharfError } from '../common/errors.ts';
import type { Logger } from '../common/logger.ts';
import type { Order } from '../fleet/coordination.ts';
import type { WorkspaceId } from '../fleet/ids.ts';
import {
  BEAT_INTERVAL,
  type InstanceMessage,
  type SupervisorMessage,
  supervisorMessageSchema,
} from './supervisor/messages.ts';
import type { Grant } from './supervisor/worker.ts';

/** How the supervisor says that the ownership stands. */
export type Standing = Omit<Extract<SupervisorMessage, { kind: 'standing' }>, 'kind'>;

/** What a supervisor asks of its instance's process. */
export interface Commands {
  run(grant: Grant): void;
  extend(asked: number, proofs: readonly { workspace: WorkspaceId; epoch: number; until: number }[]): void;
  /** True when all browsers of the workspace were seen to end. */
  kill(workspace: WorkspaceId, epoch: number): Promise<boolean>;
  close(workspace: WorkspaceId, epoch: number): Promise<boolean>;
  /** The workspaces whose browsers were all seen to end. */
  closeAll(): Promise<WorkspaceId[]>;
  standing(standing: Standing): void;
  /** The supervisor is gone. Nothing may run from here on. */
  abandoned(): void;
}

/** A channel to the supervisor: `process` itself, where it was started by one. */
export interface Channel {
  send(message: InstanceMessage): void;
  onMessage(handle: (message: unknown) => void): void;
  onClose(handle: () => void): void;
}

/** Node's IPC channel of this process. Throws `config_invalid` where it has none: nobody would say what it owns. */
export function processChannel(): Channel {
  if (!process.send) {
    throw new WharfError(
      'config_invalid',
      'An instance runs under its supervisor, which says what it owns and ends it when it hangs. Start dist/instance/supervisor/main.js with the same environment; it starts this process.',
    );
  }
  return {
    send: (message) => {
      // What cannot be sent any more has nobody to hear it: the closing of the channel says so.
      if (process.connected) process.send?.(message, undefined, undefined, () => {});
    },
    onMessage: (handle) => void process.on('message', handle),
    onClose: (handle) => {
      process.once('disconnect', handle);
      if (!process.connected) handle();
    },
  };
}

/** The instance's end of the talk with its supervisor; see `supervisor/messages.ts`. */
export class SupervisorLink {
  readonly #channel: Channel;
  readonly #log: Logger;
  readonly #claims = new Map<
    number,
    { resolve: (epoch: number) => void; reject: (error: WharfError) => void }
  >();
  #lastId = 0;
  #beating: NodeJS.Timeout | undefined;

  constructor(channel: Channel, log: Logger) {
    this.#channel = channel;
    this.#log = log;
  }

  /** Begins to obey, and to beat. */
  open(commands: Commands): void {
    this.#channel.onClose(() => {
      this.close();
      commands.abandoned();
    });
    this.#channel.onMessage((message) => this.#receive(message, commands));
    this.#beating = setInterval(() => this.#channel.send({ kind: 'beat' }), BEAT_INTERVAL);
    this.#channel.send({ kind: 'beat' });
  }

  /** Says that workspaces can be given. */
  ready(url: string): void {
    this.#channel.send({ kind: 'ready', url, pid: process.pid });
  }

  /** Has a workspace claimed that nobody owns, for its first session. Answers the epoch; throws what the supervisor refuses it with. */
  claim(workspace: WorkspaceId): Promise<number> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      this.#claims.set(id, { resolve, reject });
      this.#channel.send({ kind: 'claim', id, workspace });
    });
  }

  /** Passes an order on that a router gave past Redis. */
  order(order: Order): void {
    this.#channel.send({ kind: 'order', order });
  }

  /** Beats no more; what was asked is answered by nobody. */
  close(): void {
    clearInterval(this.#beating);
    for (const { reject } of this.#claims.values())
      reject(new WharfError('shutting_down', 'This instance is stopping.'));
    this.#claims.clear();
  }

  #receive(given: unknown, commands: Commands): void {
    const parsed = supervisorMessageSchema.safeParse(given);
    if (!parsed.success) {
      this.#log.error(
        { reason: messageOf(parsed.error) },
        'the supervisor said what this instance does not understand: are both of one version?',
      );
      return;
    }
    const message = parsed.data;
    switch (message.kind) {
      case 'run': {
        const { workspace, epoch, generation, released, start_at: startAt, until } = message;
        commands.run({ workspace, epoch, generation, released, startAt, until });
        break;
      }
      case 'extend':
        commands.extend(message.asked, message.until);
        break;
      case 'kill':
      case 'close':
        this.#answer(message.id, async () =>
          (await commands[message.kind](message.workspace, message.epoch)) ? [message.workspace] : [],
        );
        break;
      case 'close_all':
        this.#answer(message.id, () => commands.closeAll());
        break;
      case 'claimed':
        this.#claims.get(message.id)?.resolve(message.epoch);
        this.#claims.delete(message.id);
        break;
      case 'refused':
        this.#claims.get(message.id)?.reject(refusal(message));
        this.#claims.delete(message.id);
        break;
      case 'standing':
        commands.standing(message);
        break;
    }
  }

  #answer(id: number, task: () => Promise<WorkspaceId[]>): void {
    task()
      .catch((error: unknown): WorkspaceId[] => {
        this.#log.error({ reason: messageOf(error) }, 'what the supervisor asked for failed');
        return [];
      })
      .then((workspaces) => this.#channel.send({ kind: 'ended', id, workspaces }));
  }
}

function refusal({ code, detail, owner }: { code: string; detail: string; owner?: string | undefined }) {
  const known: ErrorCode = code in ERROR_CODES ? (code as ErrorCode) : 'internal';
  return new WharfError(known, detail, owner === undefined ? {} : { extra: { owner } });
}
