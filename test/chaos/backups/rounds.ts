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
  tar: string;
  tar_bytes: number;
  /** tar saw files change while it read them. */
  tar_complained: boolean;
}

/**
 * Makes a backup and, at the same time, a tar of the live share.
 *
 * @param directory for the tars
 * @throws Error where the backup is not one of every session as it is now
 */
export async function oneRound(fleet: BackupFleet, directory: string, number: number): Promise<Round> {
  await mkdir(directory, { recursive: true });
  const tar = join(directory, `round-${number}.tar.gz`);
  const began = performance.now();
  const [operation, tarComplained] = await Promise.all([fleet.backup(), tarOf(fleet.sessionPath, tar)]);
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
    tar_bytes: (await stat(tar)).size,
    tar_complained: tarComplained,
  };
}
