import { execFile } from 'node:child_process';
import { parseArgs, promisify } from 'node:util';
import { runProcess } from '../../common/lifecycle.ts';
import { whyNoRadosgw } from '../helpers/radosgw.ts';
import { type BackupFindings, type BackupRound, measureBackups } from './backup/measure.ts';
import type { Made } from './backup/sides.ts';
import type { Cost } from './backup/timed.ts';
import { publish, rounded } from './support/report.ts';
import { median, quantile } from './support/statistics.ts';

/**
 * What backups cost, beside `tar czf - | upload` of everything and beside restic, on the same data and S3 server in one run:
 * `npm run bench:backup [-- --sessions N --profile-mb MB --rounds R --quick --json FILE]`.
 */
await runProcess(async (signal) => {
  const { values } = parseArgs({
    options: {
      sessions: { type: 'string' },
      'profile-mb': { type: 'string', default: '20' },
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      json: { type: 'string' },
    },
  });
  const { quick, json } = values;
  const missing = whyNoRadosgw();
  if (missing !== undefined) throw new Error(`the benchmark needs an S3 server: ${missing}`);
  const restic = await resticVersion();
  const began = performance.now();
  const sessions = Number(values.sessions ?? (quick ? 6 : 100));
  const findings = await measureBackups(
    {
      sessions,
      megabytes: Number(values['profile-mb']),
      rounds: Number(values.rounds ?? (quick ? 1 : 3)),
      say: (text) =>
        process.stderr.write(`${((performance.now() - began) / 1000).toFixed(1).padStart(7)} ${text}\n`),
    },
    signal,
  );
  await publish(
    {
      name: 'backup',
      title: `Backups of ${sessions} sessions whose browsers run, ${rounded(findings.share.bytes / sessions / 1e6)} MB each on the share; ${findings.busy} of them with 20 messages in and out until the next`,
      runs: findings.rounds.length,
      versions: { restic },
      figures: figuresOf(findings),
      rows: rowsOf(findings),
      details: findings,
    },
    { json, quick },
  );
  return signal.aborted ? 1 : 0;
});

type Phase = keyof BackupRound;

function figuresOf({ rounds, restores }: BackupFindings): Record<string, number> {
  const pick = (side: string, phase: Phase, of: (made: Made) => number) =>
    median(rounds.map((round) => of(round[phase][side] as Made)));
  // Both backups of a round together.
  const ratio = (side: string, of: (made: Made) => number, phases: readonly Phase[] = ['first', 'next']) =>
    rounded(
      median(
        rounds.map((round) => {
          const sum = (name: string) =>
            phases.reduce((all, phase) => all + of(round[phase][name] as Made), 0);
          return sum('wharf') / sum(side);
        }),
      ),
      3,
    );
  const frozen = rounds.flatMap(({ first, next }) =>
    [first, next].flatMap(({ wharf }) => (wharf?.more['frozen_ms'] ?? []) as number[]),
  );
  const figures: Record<string, number> = {
    wall_ratio_to_tar: ratio('tar', ({ wall }) => wall),
    wall_ratio_to_restic: ratio('restic', ({ wall }) => wall),
    first_wall_ratio_to_tar: ratio('tar', ({ wall }) => wall, ['first']),
    first_wall_ratio_to_restic: ratio('restic', ({ wall }) => wall, ['first']),
    // restic reads back nothing of what it sends unless it is asked to.
    first_wall_ratio_to_restic_read_back: ratio(
      'restic',
      proven(({ wall }) => wall),
      ['first'],
    ),
    first_cpu_ratio_to_restic_read_back: ratio(
      'restic',
      proven(({ cpu }) => cpu),
      ['first'],
    ),
    next_hour_wall_ratio_to_tar: ratio('tar', ({ wall }) => wall, ['next']),
    next_hour_wall_ratio_to_restic: ratio('restic', ({ wall }) => wall, ['next']),
    cpu_ratio_to_tar: ratio('tar', ({ cpu }) => cpu),
    cpu_ratio_to_restic: ratio('restic', ({ cpu }) => cpu),
    first_bytes_ratio_to_restic: ratio('restic', ({ sent }) => sent, ['first']),
    next_hour_bytes_ratio_to_restic: ratio('restic', ({ sent }) => sent, ['next']),
    next_hour_bytes_ratio_to_tar: ratio('tar', ({ sent }) => sent, ['next']),
    frozen_ms_p50: rounded(median(frozen)),
    frozen_ms_p99: rounded(quantile(frozen, 0.99)),
    frozen_ms_max: rounded(Math.max(...frozen)),
    restore_one_s: rounded(median(restores.wharf.one.map(({ ready }) => ready)), 2),
    restore_one_files_s_tar: rounded(restores.tar.one.wall, 2),
    restore_one_files_s_restic: rounded(restores.restic.one.wall, 2),
    restore_all_done_s: rounded(restores.wharf.all.done),
    restore_all_ready_s: rounded(restores.wharf.all.ready),
    restore_all_files_s_tar: rounded(restores.tar.all.wall),
    restore_all_files_s_restic: rounded(restores.restic.all.wall),
  };
  for (const side of ['wharf', 'tar', 'restic'])
    for (const phase of ['first', 'next'] as const) {
      figures[`${phase}_wall_s_${side}`] = rounded(pick(side, phase, ({ wall }) => wall));
      figures[`${phase}_cpu_s_${side}`] = rounded(pick(side, phase, ({ cpu }) => cpu));
      figures[`${phase}_mb_${side}`] = rounded(pick(side, phase, ({ sent }) => sent) / 1e6);
    }
  return figures;
}

/** With the proof, where it was asked for apart. */
function proven(of: (cost: Cost) => number): (made: Made) => number {
  return (made) => of(made) + (made.proof === undefined ? 0 : of(made.proof));
}

function rowsOf(findings: BackupFindings): [string, string | number][] {
  const figures = figuresOf(findings);
  const three = (name: string) =>
    ['wharf', 'tar', 'restic'].map((side) => figures[`${name}_${side}`]).join(' / ');
  return [
    ['wharf / tar / restic: first backup, s', three('first_wall_s')],
    ['CPU without the S3 server, s', three('first_cpu_s')],
    ['sent, MB', three('first_mb')],
    ['next hour, s', three('next_wall_s')],
    ['CPU, s', three('next_cpu_s')],
    ['sent, MB', three('next_mb')],
    [
      'first backup read back and checked, of the time / CPU of restic',
      `${figures['first_wall_ratio_to_restic_read_back']} / ${figures['first_cpu_ratio_to_restic_read_back']}`,
    ],
    [
      'both backups, of the time of tar / restic',
      `${figures['wall_ratio_to_tar']} / ${figures['wall_ratio_to_restic']}`,
    ],
    ['bytes of the next hour, of those of restic', figures['next_hour_bytes_ratio_to_restic'] ?? 0],
    [
      'frozen: median / p99 / most, ms',
      `${figures['frozen_ms_p50']} / ${figures['frozen_ms_p99']} / ${figures['frozen_ms_max']}`,
    ],
    [
      'one session restored: wharf until ready / files by tar / by restic, s',
      `${figures['restore_one_s']} / ${figures['restore_one_files_s_tar']} / ${figures['restore_one_files_s_restic']}`,
    ],
    [
      'all: wharf until put in place / ready / files by tar / by restic, s',
      `${figures['restore_all_done_s']} / ${figures['restore_all_ready_s']} / ${figures['restore_all_files_s_tar']} / ${figures['restore_all_files_s_restic']}`,
    ],
  ];
}

/** Throws where there is none. */
async function resticVersion(): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)('restic', ['version']);
    return /restic (\S+)/.exec(stdout)?.[1] ?? 'unknown';
  } catch (error) {
    throw new Error('the benchmark needs restic (apt-get install --no-install-recommends restic)', {
      cause: error,
    });
  }
}
