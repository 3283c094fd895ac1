import { parseArgs } from 'node:util';
import { runProcess } from '../../common/lifecycle.ts';
import { publish, rounded } from '../bench/support/report.ts';
import { median, quantile } from '../bench/support/statistics.ts';
import { die, freeze, redisAway, type Scene, scaleOut } from './simulation/large-fleet.ts';

/** What happens to a large fleet of 8 instances in simulation: `npm run simulate:fleet [-- --workspaces N --seed S --json FILE]`. */
await runProcess(async (signal) => {
  const { values } = parseArgs({
    options: {
      workspaces: { type: 'string', default: '3000' },
      seed: { type: 'string', default: '1' },
      json: { type: 'string' },
    },
  });
  const workspaces = Number(values.workspaces);
  const seed = Number(values.seed);
  const scenes: Scene[] = [];
  const plays = [
    () => die(seed, workspaces, 1),
    () => die(seed, workspaces, 2),
    () => freeze(seed, workspaces, 5),
    () => redisAway(seed, workspaces),
    () => scaleOut(seed, workspaces),
  ];
  for (const play of plays) {
    if (signal.aborted) break;
    const scene = await play();
    process.stderr.write(
      `${scene.name}: ${scene.moved} moved, ${scene.needless} needlessly, ${scene.down} down. ${scene.note}\n`,
    );
    scenes.push(scene);
  }
  const wrong = scenes.reduce(
    (sum, { violations, needless, down }) => sum + violations.length + needless + down,
    0,
  );
  await publish(
    {
      name: 'simulate:fleet',
      title: `A fleet of 8 instances and ${workspaces} workspaces in simulation`,
      runs: scenes.length,
      versions: {},
      figures: { workspaces, wrong },
      rows: scenes.flatMap(({ name, moved, needless, gaps, note }): [string, string | number][] => [
        [name, `${moved} moved, ${needless} of them needlessly${note === '' ? '' : `; ${note}`}`],
        [
          '  a session without a browser: median / p99 / max, s',
          gaps.length === 0
            ? 'none'
            : `${rounded(median(gaps))} / ${rounded(quantile(gaps, 0.99))} / ${rounded(Math.max(...gaps))}`,
        ],
      ]),
      details: scenes.map(({ gaps: _gaps, ...scene }) => scene),
    },
    { quick: false, json: values.json },
  );
  return wrong === 0 ? 0 : 1;
});
