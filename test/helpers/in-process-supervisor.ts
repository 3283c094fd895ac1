import { FileClaims } from '../../fleet/file-claims.ts';
import type { WorkspaceId } from '../../fleet/ids.ts';
import { SessionPaths } from '../../fleet/session-paths.ts';
import { hostClock } from '../../instance/supervisor/host-clock.ts';
import type { InstanceMessage, SupervisorMessage } from '../../instance/supervisor/messages.ts';
import type { Channel } from '../../instance/supervisor-link.ts';

/** No test lasts so long. */
const DAY = 86_400_000;

/**
 * The other end of an instance's link, in the process of a test: claims what is asked for, grants for a day what the instance owned before, and notes
 * what the instance says.
 */
export class InProcessSupervisor implements Channel {
  readonly heard: InstanceMessage[] = [];
  readonly #claims: FileClaims;
  readonly #instance: string;
  readonly #given = new Map<WorkspaceId, number>();
  #tell: (message: SupervisorMessage) => void = () => {};
  #close: () => void = () => {};

  constructor(sessionPath: string, instance = 'instance-1') {
    this.#claims = new FileClaims(new SessionPaths(sessionPath));
    this.#instance = instance;
  }

  send(message: InstanceMessage): void {
    if (message.kind === 'beat') return;
    this.heard.push(message);
    if (message.kind === 'ready') void this.#giveBack();
    if (message.kind === 'claim') {
      const given = this.#given.get(message.workspace);
      void (given === undefined ? this.give(message.workspace) : Promise.resolve(given)).then((epoch) =>
        this.tell({ kind: 'claimed', id: message.id, epoch }),
      );
    }
  }

  onMessage(handle: (message: unknown) => void): void {
    this.#tell = handle;
  }

  onClose(handle: () => void): void {
    this.#close = handle;
  }

  /** Says something to the instance. */
  tell(message: SupervisorMessage): void {
    this.#tell(message);
  }

  /** As if the supervisor's process had ended. */
  end(): void {
    this.#close();
  }

  /** Claims a workspace and grants it; answers the epoch. */
  async give(workspace: WorkspaceId): Promise<number> {
    const epoch = ((await this.#claims.highest(workspace))?.epoch ?? 0) + 1;
    await this.#claims.create({
      workspace_id: workspace,
      epoch,
      instance: this.#instance,
      incarnation: 'a',
      host: 'h',
      generation: 1,
      claimed_at: new Date().toISOString(),
    });
    this.#given.set(workspace, epoch);
    const now = hostClock.monotonic();
    this.tell({
      kind: 'run',
      workspace,
      epoch,
      generation: 1,
      released: false,
      start_at: now,
      until: now + DAY,
    });
    return epoch;
  }

  async #giveBack(): Promise<void> {
    for (const workspace of await this.#claims.workspaces()) {
      const owner = (await this.#claims.highest(workspace))?.lastReadable?.instance;
      if (owner === this.#instance) await this.give(workspace);
    }
    this.tell({
      kind: 'standing',
      redis_ok: true,
      storage_ok: true,
      lease_age: 10,
      restarts: 0,
      claims: 0,
      lapses: 0,
      revocations: 0,
      hand_overs: 0,
    });
  }
}
