import type { MessageView, Priority } from '../../../fleet/queue/outgoing.ts';
import type { SendReceipt } from '../../../fleet/queue/receipt.ts';
import type { SessionDetail } from '../../../fleet/records.ts';
import { BackupsApi } from './backups-api.ts';
import { FleetApi } from './fleet-api.ts';
import { Transport } from './transport.ts';
import type { OwnKey, QrCode, Session, SessionName, SessionPage } from './types.ts';
import { WebhooksApi } from './webhooks-api.ts';

/** What can be asked of a session without more words. */
export type SessionAction = 'start' | 'stop' | 'restart' | 'logout';

/** Speaks to the router this page came from. Every method throws `ApiError`, or what aborted its signal. */
export class ApiClient {
  /** Only an admin's key may. */
  readonly fleet: FleetApi;
  readonly webhooks: WebhooksApi;
  /** Only an admin's key may. */
  readonly backups: BackupsApi;
  readonly #transport: Transport;

  constructor(key: string) {
    this.#transport = new Transport(key);
    this.fleet = new FleetApi(this.#transport);
    this.webhooks = new WebhooksApi(this.#transport);
    this.backups = new BackupsApi(this.#transport);
  }

  /** Whose key this is. */
  ownKey(signal: AbortSignal): Promise<OwnKey> {
    return this.#transport.ask('GET', '/api/fleet/keys/own', { signal });
  }

  /** A page of sessions, and how many there are. */
  sessions(query: Record<string, string>, signal: AbortSignal): Promise<SessionPage> {
    return this.#transport.ask('GET', '/api/whatsapp/sessions', { query, signal });
  }

  session(name: SessionName, signal: AbortSignal): Promise<SessionDetail> {
    return this.#transport.ask('GET', path(name), { query: of(name), signal });
  }

  create(body: Record<string, string>): Promise<Session> {
    return this.#transport.ask('POST', '/api/whatsapp/sessions', { body });
  }

  qr(name: SessionName, signal: AbortSignal): Promise<QrCode> {
    return this.#transport.ask('GET', path(name, '/qr'), { query: { ...of(name), format: 'json' }, signal });
  }

  async pairingCode(name: SessionName, phone: string): Promise<string> {
    const answer = await this.#transport.ask<{ code: string }>('POST', path(name, '/pairing-code'), {
      query: of(name),
      body: { phone_number: phone },
    });
    return answer.code;
  }

  act(name: SessionName, action: SessionAction): Promise<SessionDetail> {
    return this.#transport.ask('POST', path(name, `/${action}`), { query: of(name) });
  }

  remove(name: SessionName): Promise<{ unlinked: boolean }> {
    return this.#transport.ask('DELETE', path(name), { query: of(name) });
  }

  /** Hands a text in. The same `idempotencyKey` again gives the same message, however often it is tried. */
  send(
    name: SessionName,
    message: { to: string; text: string; priority: Priority },
    idempotencyKey: string,
  ): Promise<SendReceipt> {
    return this.#transport.ask('POST', path(name, '/messages'), {
      query: of(name),
      body: message,
      headers: { 'idempotency-key': idempotencyKey },
    });
  }

  /** What became of a message so far. */
  message(id: string, signal: AbortSignal): Promise<MessageView> {
    return this.#transport.ask('GET', `/api/whatsapp/messages/${encodeURIComponent(id)}`, { signal });
  }

  /** Opens the stream of events, of one workspace or all, after the one read last; empty: from now on. */
  follow(workspace: string, lastEventId: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const query: Record<string, string> = workspace === '' ? {} : { workspace_id: workspace };
    return this.#transport.follow('/api/whatsapp/events', query, lastEventId, signal);
  }
}

function path(name: SessionName, below = ''): string {
  return `/api/whatsapp/sessions/${encodeURIComponent(name.session_id)}${below}`;
}

function of(name: SessionName): Record<string, string> {
  return { workspace_id: String(name.workspace_id) };
}
