import { ApiError, type Transport } from './transport.ts';
import type { DeadLetters, Webhook } from './types.ts';

/** What came back for a test event. */
export interface TestResult {
  delivered: boolean;
  status: number | null;
  took_ms: number;
  reason: string | null;
}

type Workspace = number | string;

/** Where events are delivered. */
export class WebhooksApi {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** All webhooks, by workspace. */
  async list(signal: AbortSignal): Promise<Webhook[]> {
    const answer = await this.#transport.ask<{ webhooks: Webhook[] }>('GET', '/api/fleet/webhooks', {
      signal,
    });
    return answer.webhooks;
  }

  /** The webhook of one workspace; none where it has none. */
  async of(workspace: Workspace, signal: AbortSignal): Promise<Webhook[]> {
    type Answer = Pick<Webhook, 'workspace_id' | 'url'> & {
      receiver: Omit<Webhook, 'workspace_id' | 'url'>;
    };
    try {
      const { workspace_id, url, receiver } = await this.#transport.ask<Answer>('GET', path(workspace), {
        signal,
      });
      return [{ workspace_id, url, ...receiver }];
    } catch (error) {
      if (error instanceof ApiError && error.code === 'webhook_not_found') return [];
      throw error;
    }
  }

  /** Sends a test event at once; what came back. */
  test(workspace: Workspace): Promise<TestResult> {
    return this.#transport.ask('POST', path(workspace, '/test'), { body: {} });
  }

  /** Goes on with a webhook that is disabled. */
  async enable(workspace: Workspace): Promise<void> {
    await this.#transport.ask('POST', path(workspace, '/enable'), { body: {} });
  }

  /** Events that were given up, oldest first. */
  deadLetters(workspace: Workspace, limit: number, signal: AbortSignal): Promise<DeadLetters> {
    const query = { limit: String(limit) };
    return this.#transport.ask('GET', path(workspace, '/dead-letters'), { query, signal });
  }

  /** Sends dead letters again, these or all; how many. */
  async replay(workspace: Workspace, ids: readonly string[] | null): Promise<number> {
    const body = ids === null ? { all: true } : { ids };
    const answer = await this.#transport.ask<{ replayed: number }>('POST', path(workspace, '/replay'), {
      body,
    });
    return answer.replayed;
  }
}

function path(workspace: Workspace, below = ''): string {
  return `/api/whatsapp/workspaces/${encodeURIComponent(workspace)}/webhook${below}`;
}
