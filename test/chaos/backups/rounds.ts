import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { BackupId } from '../../../fleet/backup/api.ts';
import { backupDetailSchema } from '../../../fleet/backup/api.ts';
import type { BackupFleet } from './fleet.ts';
import { tarOf } from './tar.ts';

/** A backup, and the tar that was made beside it. */
export interface Round {
  backup: BackupId;
  /** Milliseconds each session's browser was stopped. */
  frozen: number[];
  /** Of the run: seconds, and what it sent and had to read. */
  seconds: number;
  sent_bytes: number;
  bytes: number;
  /** Null where none was made. */
  tar: string | null;
  tar_bytes: number;
  /** tar saw files change while it read them. */
  tar_complained: boolean;
}

/**
 * Makes a backup and, at the same time, a tar of the live share.
 *
 * @param tars the directory for them; null: none is made
 * @throws Error where the backup is not one of every session as it is now
 */
export async function oneRound(fleet: BackupFleet, tars: string | null, number: number): Promise<Round> {
  const tar = tars === null ? null : join(tars, `round-${number}.tar.gz`);
  if (tars !== null) await mkdir(tars, { recursive: true });
  const began = performance.now();
  const [operation, tarComplained] = await Promise.all([
    fleet.backup(),
    tar === null ? false : tarOf(fleet.sessionPath, tar),
  ]);
  const detail = backupDetailSchema.parse(await fleet.api('GET', `/api/backups/${String(operation.backup)}`));
  if (detail.state !== 'complete' || detail.sessions !== fleet.sessions.length)
    throw new Error(
      `backup ${detail.id} is ${detail.state} with ${detail.sessions} sessions: ${JSON.stringify({ carried: detail.contents.filter(({ carried }) => carried !== null), missed: detail.not_in_it })}`,
    );
  const running = Date.parse(detail.finished_at) - Date.parse(detail.started_at);
  return {
    backup: detail.id,
    frozen: detail.contents.flatMap(({ frozen_ms }) => frozen_ms ?? []),
    seconds: Math.min(running, performance.now() - began) / 1000,
    sent_bytes: detail.sent_bytes,
    bytes: detail.bytes,
    tar,
    tar_bytes: tar === null ? 0 : (await stat(tar)).size,
    tar_complained: tarComplained,
  };
}
