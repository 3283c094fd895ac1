import { isWharfError, WharfError } from '../../common/errors.ts';
import {
  type CreateSession,
  instanceSessionPath,
  type RestoreAnswer,
  restoreAnswerSchema,
} from '../../fleet/instance-api.ts';
import { homeOf, placeWorkspace, type ShardStrategy } from '../../fleet/placement.ts';
import { type SessionDetail, sessionDetailSchema } from '../../fleet/records.ts';
import type { Forwarder } from '../proxy/forwarder.ts';
import { readAnswer } from '../proxy/pass-on.ts';
import type { Follower } from '../registry/follower.ts';
import type { Instances } from '../registry/instances.ts';
import type { SessionPlace } from '../registry/session-order.ts';
import type { Table } from '../registry/table.ts';

/** Milliseconds an instance may take to write a session down and begin to start it. */
const PATIENCE = 30_000;

/** Milliseconds it may take to put a profile in place: it is read whole, and a browser may have to be ended for it. */
const IMPORT_PATIENCE = 180_000;

/** What a creator needs. */
export interface CreatorParts {
  table: Table;
  follower: Follower;
  instances: Instances;
  forwarder: Forwarder;
  instanceCount: number;
  shardStrategy: ShardStrategy;
}

/** Makes sessions: on the owner of their workspace, or, for a workspace's first, where placement says. */
export class Creator {
  readonly #parts: CreatorParts;
  /** Workspaces whose first session is being made: a second one waits, and then finds an owner. */
  readonly #first = new Map<string, Promise<unknown>>();

  constructor(parts: CreatorParts) {
    this.#parts = parts;
  }

  /**
   * Makes a session, or finds it made already with the same settings.
   *
   * @throws WharfError `no_capacity`, `session_exists`, `instance_unavailable`, and what the instance says
   */
  create(
    place: SessionPlace,
    settings: CreateSession,
    requestId: string,
  ): Promise<{ created: boolean; session: SessionDetail }> {
    return this.#atOwner(place.workspace, (adoptBy) => this.#put(place, settings, requestId, adoptBy));
  }

  /**
   * Makes a session of a profile that was prepared on the shared storage (`prepared-restore.ts`). Repeatable: done already, it answers the same.
   *
   * @param prepared the id it was prepared under
   * @throws WharfError `restore_not_found` where the instance does not see it, `session_exists`, `chromium_too_old`, `profile_damaged`, `no_capacity`,
   *   `instance_unavailable`, and what the instance says
   */
  importSession(place: SessionPlace, prepared: string, requestId: string): Promise<RestoreAnswer> {
    return this.#atOwner(place.workspace, (adoptBy) => this.#putInPlace(place, prepared, requestId, adoptBy));
  }

  /** @param ask asks the owner; or, where an instance is named, that one, which may claim the workspace */
  async #atOwner<T>(workspace: string, ask: (adoptBy?: string) => Promise<T>): Promise<T> {
    while (!this.#parts.table.owner(workspace)) {
      const underWay = this.#first.get(workspace);
      if (underWay) {
        await underWay.catch(() => undefined);
        continue;
      }
      const first = this.#asFirst(workspace, ask);
      this.#first.set(workspace, first);
      try {
        return await first;
      } finally {
        this.#first.delete(workspace);
      }
    }
    return await ask();
  }

  /** Somebody else may have become the owner meanwhile, or the chosen instance may have filled up: then once more, by what is known now. */
  async #asFirst<T>(workspace: string, ask: (adoptBy?: string) => Promise<T>): Promise<T> {
    const full = new Set<string>();
    await this.#parts.follower.rereadOwner(workspace);
    for (;;) {
      if (this.#parts.table.owner(workspace)) return await ask();
      const target = this.#place(workspace, full);
      try {
        return await ask(target);
      } catch (error) {
        const owned = isWharfError(error, 'not_owner');
        if (!owned && !isWharfError(error, 'no_capacity')) throw error;
        full.add(target);
        if (owned) await this.#parts.follower.rereadOwner(workspace);
      }
    }
  }

  #place(workspace: string, full: ReadonlySet<string>): string {
    const { instances, instanceCount, shardStrategy } = this.#parts;
    const rooms = instances.rooms();
    const home = homeOf(workspace, instanceCount, shardStrategy);
    const target = placeWorkspace(
      home,
      rooms.filter((room) => !full.has(room.id)),
    );
    if (target !== undefined) return target;
    const places = rooms.reduce((sum, room) => sum + room.capacity, 0);
    throw new WharfError(
      'no_capacity',
      rooms.length === 0
        ? 'No instance is running. Start one; it announces itself through Redis.'
        : `No instance has room for another session (${places} places in all). Remove sessions, or add an instance.`,
      { retryAfter: 30 },
    );
  }

  async #put(place: SessionPlace, settings: CreateSession, requestId: string, adoptBy?: string) {
    const answer = await this.#parts.forwarder.send({
      workspace: place.workspace,
      method: 'PUT',
      path: instanceSessionPath(place.workspace, place.session),
      body: JSON.stringify(settings),
      requestId,
      repeatable: true,
      patience: PATIENCE,
      ...(adoptBy === undefined ? {} : { adoptBy }),
    });
    const session = await readAnswer(answer, sessionDetailSchema);
    this.#parts.follower.tell({ kind: 'session', instance: session.instance, session });
    return { created: answer.statusCode === 201, session };
  }

  async #putInPlace(place: SessionPlace, prepared: string, requestId: string, adoptBy?: string) {
    const answer = await this.#parts.forwarder.send({
      workspace: place.workspace,
      method: 'POST',
      path: `${instanceSessionPath(place.workspace, place.session)}/restore`,
      body: JSON.stringify({ restore: prepared }),
      requestId,
      repeatable: true,
      patience: IMPORT_PATIENCE,
      ...(adoptBy === undefined ? {} : { adoptBy }),
    });
    const done = await readAnswer(answer, restoreAnswerSchema);
    const { session } = done;
    if (session) this.#parts.follower.tell({ kind: 'session', instance: session.instance, session });
    return done;
  }
}
