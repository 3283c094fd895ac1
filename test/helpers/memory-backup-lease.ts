import type { Clock } from '../../common/clock.ts';
import { WharfError } from '../../common/errors.ts';
import type { BackupLease, BackupServiceNote } from '../../fleet/backup/backup-lease.ts';

/** The lease of the backup service in memory. */
export class MemoryBackupLease implements BackupLease {
  /** True: Redis is away. */
  away = false;
  readonly #clock: Clock;
  #note: { note: BackupServiceNote; until: number } | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async hold(me: BackupServiceNote, ttl: number): Promise<BackupServiceNote> {
    const held = this.#look();
    if (held && held.service !== me.service) return held;
    this.#note = { note: me, until: this.#clock.monotonic() + ttl };
    return me;
  }

  async release(service: string): Promise<void> {
    if (this.#look()?.service === service) this.#note = null;
  }

  async holder(): Promise<BackupServiceNote | null> {
    return this.#look();
  }

  #look(): BackupServiceNote | null {
    if (this.away) throw new WharfError('redis_unavailable', 'Redis is away.');
    return this.#note && this.#note.until > this.#clock.monotonic() ? this.#note.note : null;
  }
}

export function aServiceNote(service: string): BackupServiceNote {
  return {
    service,
    url: `http://${service}:3100`,
    host: 'host-a',
    pid: 7,
    started_at: '2026-11-22T09:00:00.000Z',
  };
}
