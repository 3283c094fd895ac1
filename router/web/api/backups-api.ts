import type { Operation, Restore } from '../../../fleet/backup/api.ts';
import type { Transport } from './transport.ts';
import type { Backups, RestoreWish } from './types.ts';

/** Backups and restores, which the backup service makes; only an admin's key may. */
export class BackupsApi {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** The backups, and what the service did of late. */
  async list(signal: AbortSignal): Promise<Backups> {
    const [list, { operations }, { restores }] = await Promise.all([
      this.#transport.ask<Backups['list']>('GET', '/api/backups', { signal }),
      this.#transport.ask<{ operations: Operation[] }>('GET', '/api/backups/operations', { signal }),
      this.#transport.ask<{ restores: Restore[] }>('GET', '/api/restores', { signal }),
    ]);
    return { list, operations, restores };
  }

  /** Begins a backup now. */
  run(): Promise<Operation> {
    return this.#transport.ask('POST', '/api/backups');
  }

  /** Begins to read what all backups need, and to check it. */
  verify(): Promise<Operation> {
    return this.#transport.ask('POST', '/api/backups/verify', { body: { backup: 'all' } });
  }

  /** What a restore would change. */
  plan(wish: RestoreWish, signal: AbortSignal): Promise<Restore> {
    return this.#transport.ask('POST', '/api/restores', { body: { ...wish, dry_run: true }, signal });
  }

  /** Begins a restore. */
  restore(wish: RestoreWish): Promise<Restore> {
    return this.#transport.ask('POST', '/api/restores', { body: wish });
  }

  restoreOf(id: string, signal: AbortSignal): Promise<Restore> {
    return this.#transport.ask('GET', restorePath(id), { signal });
  }

  cancel(id: string): Promise<Restore> {
    return this.#transport.ask('POST', restorePath(id, '/cancel'));
  }

  undo(id: string): Promise<Restore> {
    return this.#transport.ask('POST', restorePath(id, '/undo'));
  }
}

function restorePath(id: string, below = ''): string {
  return `/api/restores/${encodeURIComponent(id)}${below}`;
}
