import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { madeAt, timeOfBackup } from '../../../backup/manifest/backup-ids.ts';
import { type KeepNumbers, type RetentionBackup, retain } from '../../../backup/retention/retention.ts';

/*
 * Each file of golden/ is a question and its answer: `id state [put TIME]` is a backup (put two seconds after its id says, where that is not said), and what stands
 * behind the arrow is what becomes of it. `npx vitest run test/backup/retention -u` writes the answers anew; read what changed.
 */
const golden = join(import.meta.dirname, 'golden');

interface Question {
  /** The lines before the first backup. */
  head: string;
  now: number;
  numbers: KeepNumbers;
  backups: (RetentionBackup & { line: string })[];
}

function questionIn(text: string): Question {
  const [head = '', body = ''] = text.split('\n\n');
  const [, now, hourly, daily] = /now (\S+), keep (\d+) hourly and (\d+) daily/.exec(head) ?? [];
  return {
    head,
    now: Date.parse(now ?? ''),
    numbers: { hourly: Number(hourly), daily: Number(daily) },
    backups: body.split('\n').filter(Boolean).map(backupIn),
  };
}

function backupIn(text: string): Question['backups'][number] {
  const line = text.split(' -> ')[0]?.trimEnd() ?? '';
  const [, id = '', state, put] = /^(\w+Z) (complete|partial|damaged)(?: put (\S+))?$/.exec(line) ?? [];
  const modified = put === undefined ? timeOfBackup(id) + 2000 : Date.parse(put);
  return { id, state: state as RetentionBackup['state'], modified, made: madeAt(id, modified), line };
}

function answerTo({ head, now, numbers, backups }: Question): string {
  const { keep, remove } = retain(backups, now, numbers);
  const what = new Map([
    ...keep.map(({ id, reasons }) => [id, `keep, ${reasons.join(' ')}`] as const),
    ...remove.map(({ id, reason }) => [id, `remove: ${reason}`] as const),
  ]);
  expect(what.size).toBe(backups.length);
  const lines = backups.map(({ id, line }) => `${line} -> ${what.get(id)}\n`);
  return `${head}\n\n${lines.join('')}`;
}

it.each(readdirSync(golden))('%s', async (name) => {
  const path = join(golden, name);
  const question = questionIn(await readFile(path, 'utf8'));
  await expect(answerTo(question)).toMatchFileSnapshot(path);
});
