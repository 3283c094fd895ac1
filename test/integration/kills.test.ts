import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const PROGRAM = fileURLToPath(new URL('../../dist/test/bench/kills.js', import.meta.url));

/** In its three rounds there is each of the ways: killed alone and with all browsers, logs torn, and then stopped, killed idle, killed in a burst. */
const SEED = '98';

interface Report {
  figures: Record<string, number>;
  details: { problems: string[] };
}

/** A short run of `npm run prove:kills`. */
describe('an instance that is killed with kill -9 in the midst of messages, again and again', () => {
  let report: Report;
  beforeAll(async () => {
    const directory = await mkdtemp(join(tmpdir(), 'wharf-kills-test-'));
    try {
      const file = join(directory, 'figures.json');
      const args = [PROGRAM, '--rounds', '3', '--sessions', '3', '--seed', SEED, '--json', file];
      // It ends with 1 when it found problems; they are in the report, and looked at below.
      const ended = await run(process.execPath, args, { timeout: 170_000 }).catch((error: Error) => error);
      report = JSON.parse(
        await readFile(file, 'utf8').catch(() => {
          throw new Error('the program has written no report', { cause: ended });
        }),
      );
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }, 180_000);

  it('comes back each time with every session ready, and without a QR', () => {
    expect(report.figures).toMatchObject({ rounds: 3, qr_asked: 0, not_ready: 0, corruptions: 0 });
    expect(report.figures['kills']).toBeGreaterThanOrEqual(5);
  });

  it('has cut the torn ends off its logs before they did harm', () => {
    const torn = report.figures['logs_torn_by_hand'] ?? 0;
    expect(torn).toBeGreaterThan(0);
    expect(report.figures['torn_logs_repaired']).toBeGreaterThanOrEqual(torn);
  });

  it('has lost no message that was acknowledged, sent none twice, and shows no profile older than the server knows', () => {
    expect(report.figures['messages_acknowledged']).toBeGreaterThan(0);
    expect(report.figures).toMatchObject({
      messages_missing: 0,
      messages_stuck: 0,
      messages_doubled: 0,
      rollbacks: 0,
      unreadable: 0,
    });
  });

  it('leaves no browser running, also where only its own process was killed', () => {
    expect(report.figures['kills_of_the_instance_alone']).toBeGreaterThan(0);
    expect(report.figures['browsers_left']).toBe(0);
  });

  it('writes nothing into its working directory, such as .wwebjs_cache', () => {
    expect(report.figures['stray_files']).toBe(0);
  });

  it('had no other problem', () => {
    expect(report.details.problems).toEqual([]);
  });
});
