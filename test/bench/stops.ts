import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runProcess } from '../../common/lifecycle.ts';
import { SessionPaths } from '../../fleet/session-paths.ts';
import { readProfileRecord } from '../../instance/profile/profile-record.ts';
import { EmulatedPhones, historyOf } from '../chaos/backups/emulated.ts';
import { BackupFleet } from '../chaos/backups/fleet.ts';
import { publish, rounded } from './support/report.ts';
import { median } from './support/statistics.ts';

/**
 * How long an instance takes to stop with so many sessions at once, and how many of its browsers end by themselves, with their profiles whole (the others are killed, and
 * looked through at their next start): `npm run bench:stops [-- --sessions 25,50,100 --rounds R --quick --json FILE]`.
 */
await runProcess(async (signal) => {
  const { values } = parseArgs({
    options: {
      sessions: { type: 'string', default: '25,50,100' },
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      json: { type: 'string' },
    },
  });
  const { quick, json } = values;
  const counts = quick ? [5] : values.sessions.split(',').map(Number);
  const rounds = Number(values.rounds ?? (quick ? 1 : 3));
  const directory = await mkdtemp(join(tmpdir(), 'wharf-stops-bench-'));
  const emulated = await EmulatedPhones.start(historyOf(0));
  const figures: Record<string, number> = {};
  try {
    for (const count of counts) {
      const fleet = await BackupFleet.start({
        directory: join(directory, `${count}`),
        emulated,
        instances: 1,
        store: null,
      });
      try {
        await fleet.link(count, 2);
        const stops: Stop[] = [];
        for (let round = 0; round < rounds && !signal.aborted; round += 1) {
          stops.push(await stopped(fleet));
          process.stderr.write(`${count} sessions: ${JSON.stringify(stops.at(-1))}\n`);
          await fleet.restartInstances();
          await fleet.settled(fleet.sessions.map(({ session }) => session));
        }
        figures[`stop_${count}_s`] = rounded(median(stops.map(({ seconds }) => seconds)), 2);
        figures[`stop_${count}_most_s`] = rounded(Math.max(...stops.map(({ seconds }) => seconds)), 2);
        figures[`stop_${count}_unclean`] = Math.max(...stops.map(({ clean }) => count - clean));
      } finally {
        await fleet.close();
      }
    }
  } finally {
    await emulated.stop();
    await rm(directory, { recursive: true, force: true });
  }
  await publish(
    {
      name: 'stops',
      title: 'An instance stops with all its sessions at once (emulated page)',
      runs: rounds,
      versions: {},
      figures,
      rows: Object.entries(figures),
      details: {},
    },
    { json, quick },
  );
  return signal.aborted ? 1 : 0;
});

interface Stop {
  seconds: number;
  /** Sessions whose browsers ended by themselves. */
  clean: number;
}

async function stopped(fleet: BackupFleet): Promise<Stop> {
  const began = performance.now();
  await fleet.stopInstances();
  const seconds = (performance.now() - began) / 1000;
  const paths = new SessionPaths(fleet.sessionPath);
  const marks = await Promise.all(fleet.sessions.map((name) => isClean(paths, name)));
  return { seconds, clean: marks.filter(Boolean).length };
}

/** Whether the session's newest profile says that its browser ended by itself. */
async function isClean(
  paths: SessionPaths,
  { workspace, session }: { workspace: string; session: string },
): Promise<boolean> {
  const generations = (await readdir(paths.session(workspace, session))).map((name) =>
    Number(/^gen-(\d+)$/.exec(name)?.[1] ?? Number.NaN),
  );
  const generation = Math.max(...generations.filter((number) => !Number.isNaN(number)));
  const record = await readProfileRecord(paths.profileRecord({ workspace, session, generation }));
  return record?.clean_stop === true;
}
