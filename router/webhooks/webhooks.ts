import { randomUUID } from 'node:crypto';
import type { Clock } from '../../common/clock.ts';
import { WharfError } from '../../common/errors.ts';
import type { Deliveries, Letter, ReceiverState } from '../../fleet/events/deliveries.ts';
import { eventId, type WharfEvent } from '../../fleet/events/event.ts';
import type { Position } from '../../fleet/events/event-log.ts';
import type { WorkspaceId } from '../../fleet/ids.ts';
import { bodyOf } from './delivery.ts';
import { type AddressPolicy, urlFault } from './receiver-address.ts';
import {
  disabledRecord,
  newRecord,
  resetRecord,
  rotatedRecord,
  validSecrets,
  type WebhookRecord,
  type WebhookSetting,
} from './record.ts';
import type { Outcome, Sender } from './sender.ts';
import { newSecret, sign } from './signature.ts';
import type { WebhookFiles } from './webhook-files.ts';

/** Dead letters moved at one time, where all are to be replayed. */
const REPLAY_PAGE = 200;

/** A webhook and how its receiver does. */
export interface WebhookView {
  record: WebhookRecord;
  /** Null before anything was delivered. */
  state: ReceiverState | null;
  /** Events that are retried by themselves, and that were given up. */
  aside: number;
  dead: number;
}

export interface WebhooksParts {
  files: WebhookFiles;
  deliveries: Deliveries;
  /** How the receivers do that this router delivers to: newer than what Redis has. */
  ownStates: () => Map<WorkspaceId, ReceiverState>;
  newSender: () => Pick<Sender, 'send' | 'close'>;
  policy: AddressPolicy;
  clock: Clock;
}

/** What callers of the API do with webhooks. */
export class Webhooks {
  readonly #parts: WebhooksParts;

  constructor(parts: WebhooksParts) {
    this.#parts = parts;
  }

  /** @throws WharfError `webhook_not_found`, `queue_unavailable` */
  async view(workspace: WorkspaceId): Promise<WebhookView> {
    return this.#view(this.#need(workspace));
  }

  /** All webhooks, by workspace, as their routers last saw them; without that where Redis is away. For operators and the web page. */
  async list(): Promise<WebhookView[]> {
    const { files, deliveries, ownStates } = this.#parts;
    const states = await deliveries.states().catch(() => new Map<WorkspaceId, ReceiverState>());
    for (const [workspace, state] of ownStates()) states.set(workspace, state);
    return [...files.all()]
      .map((record) => {
        const state = states.get(record.workspace_id) ?? null;
        return { record, state, aside: state?.aside ?? 0, dead: state?.dead ?? 0 };
      })
      .sort((a, b) => a.record.workspace_id.localeCompare(b.record.workspace_id, 'en', { numeric: true }));
  }

  /**
   * Sets a workspace's webhook: for the events from now on, where it had none.
   *
   * @returns the secret where one was made, which is shown this once
   * @throws WharfError `invalid_request`, `queue_unavailable`, `storage_unavailable`
   */
  async set(
    workspace: WorkspaceId,
    setting: WebhookSetting,
  ): Promise<{ view: WebhookView; secret: string | null; created: boolean }> {
    const { files, deliveries, clock, policy } = this.#parts;
    const fault = urlFault(setting.url, policy);
    if (fault !== undefined)
      throw new WharfError('invalid_request', `url: ${fault}`, { faults: [{ path: 'url', message: fault }] });
    const made = newSecret();
    let created = false;
    const record = await files.update(workspace, async (before) => {
      created = before === null;
      if (before) return resetRecord(before, setting, clock.now());
      // First the place in the log, then the file: a crash between them leaves a place that the next one begins anew.
      await deliveries.begin(workspace);
      return newRecord(workspace, setting, setting.secret ?? made, clock.now());
    });
    const secret = created && setting.secret === undefined ? made : null;
    return { view: await this.#view(record ?? this.#need(workspace)), secret, created };
  }

  /** Removes a webhook, with all that was not delivered. Throws as {@link view}, and `storage_unavailable`. */
  async remove(workspace: WorkspaceId): Promise<void> {
    const { files, deliveries } = this.#parts;
    await files.update(workspace, (before) => {
      if (before === null) throw missing(workspace);
      return null;
    });
    // A router that is just sending may write a letter after this; the next webhook of the workspace begins by clearing again.
    await deliveries.end(workspace);
  }

  /**
   * Puts a new secret before those there are, which stay good for `keep` milliseconds more.
   *
   * @param secret the new one; undefined: one is made
   * @returns the secret, where it was made here
   */
  async rotate(
    workspace: WorkspaceId,
    secret: string | undefined,
    keep: number,
  ): Promise<{ view: WebhookView; secret: string | null }> {
    const next = secret ?? newSecret();
    const now = this.#parts.clock.now();
    const record = await this.#change(workspace, (before) => rotatedRecord(before, next, keep, now));
    return { view: await this.#view(record), secret: secret === undefined ? next : null };
  }

  /** Goes on delivering from where it was disabled; and looks at once whether a receiver is back. */
  async enable(workspace: WorkspaceId): Promise<WebhookView> {
    const now = this.#parts.clock.now();
    return this.#view(await this.#change(workspace, (before) => disabledRecord(before, null, now)));
  }

  /** Sends a `webhook.test` event at once, beside all others and also to a webhook that is disabled. Where it is taken, what waits is tried at once. */
  async test(workspace: WorkspaceId, signal: AbortSignal): Promise<{ event: string; outcome: Outcome }> {
    const { newSender, clock, files } = this.#parts;
    const record = this.#need(workspace);
    const event = testEvent(workspace, clock.now());
    const body = bodyOf(event);
    const secrets = validSecrets(record, clock.now()).map(({ secret }) => secret);
    const sender = newSender();
    try {
      const signature = sign(event.id, clock.now(), body, secrets);
      const outcome = await sender.send({ url: record.url, body, signature }, signal);
      // It takes events, then: what waits for another try need not wait.
      if (outcome.kind === 'taken') await files.announce(workspace);
      return { event: event.id, outcome };
    } finally {
      await sender.close();
    }
  }

  /** A page of what was given up, oldest first. */
  async deadLetters(
    workspace: WorkspaceId,
    after: Position | null,
    most: number,
  ): Promise<{ letters: Letter[]; next: Position | null }> {
    this.#need(workspace);
    const letters = await this.#parts.deliveries.deadLetters(workspace, after, most + 1);
    const page = letters.slice(0, most);
    return { letters: page, next: letters.length > most ? (page.at(-1)?.position ?? null) : null };
  }

  /**
   * Sends dead letters again, each beside the order of its session and retried as any other.
   *
   * @param events their ids; null: all there are now
   * @returns how many, and which ids are none of a dead letter
   */
  async replay(
    workspace: WorkspaceId,
    events: readonly string[] | null,
  ): Promise<{ replayed: number; unknown: string[] }> {
    const { deliveries, files, clock } = this.#parts;
    this.#need(workspace);
    let replayed = 0;
    const found = new Set<string>();
    if (events) {
      const letters = await deliveries.findDead(workspace, events);
      for (const { event } of letters) found.add(event.id);
      replayed = await this.#replay(workspace, letters, clock.now());
    } else {
      // As many as there are now: what dies meanwhile is for the next time.
      const { dead } = await deliveries.counts(workspace);
      const now = clock.now();
      for (let after: Position | null = null; replayed < dead; ) {
        const letters = await deliveries.deadLetters(
          workspace,
          after,
          Math.min(REPLAY_PAGE, dead - replayed),
        );
        if (letters.length === 0) break;
        after = letters.at(-1)?.position ?? after;
        replayed += await this.#replay(workspace, letters, now + replayed / 1000);
      }
    }
    if (replayed > 0) await files.announce(workspace);
    return { replayed, unknown: (events ?? []).filter((id) => !found.has(id)) };
  }

  async #replay(workspace: WorkspaceId, letters: readonly Letter[], due: number): Promise<number> {
    const movedAt = this.#parts.clock.now();
    const fresh = letters.map((letter) => ({ ...letter, tries: null, movedAt, why: 'it is replayed' }));
    await this.#parts.deliveries.setAside(workspace, fresh, due);
    return fresh.length;
  }

  async #change(
    workspace: WorkspaceId,
    change: (before: WebhookRecord) => WebhookRecord,
  ): Promise<WebhookRecord> {
    const record = await this.#parts.files.update(workspace, (before) => {
      if (before === null) throw missing(workspace);
      return change(before);
    });
    return record ?? this.#need(workspace);
  }

  async #view(record: WebhookRecord): Promise<WebhookView> {
    const { deliveries, ownStates } = this.#parts;
    const workspace = record.workspace_id;
    const [states, counts] = await Promise.all([
      deliveries.states([workspace]),
      deliveries.counts(workspace),
    ]);
    return { record, state: ownStates().get(workspace) ?? states.get(workspace) ?? null, ...counts };
  }

  #need(workspace: WorkspaceId): WebhookRecord {
    const record = this.#parts.files.get(workspace);
    if (!record) throw missing(workspace);
    return record;
  }
}

/** The one answer for a workspace without a webhook. */
function missing(workspace: WorkspaceId): WharfError {
  return new WharfError(
    'webhook_not_found',
    `Workspace ${workspace} has no webhook. Set one: PUT /api/whatsapp/workspaces/${workspace}/webhook`,
  );
}

function testEvent(workspace: WorkspaceId, now: number): WharfEvent {
  return {
    id: eventId('webhook.test', workspace, null, randomUUID()),
    type: 'webhook.test',
    timestamp: new Date(now).toISOString(),
    workspace_id: workspace,
    session_id: null,
    data: { text: 'A test of this webhook. Answer with a status from 200 to 299.' },
  };
}
