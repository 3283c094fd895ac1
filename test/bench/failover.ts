import { setTimeout as sleep } from 'node:timers/promises';
import { runProcess } from '../../common/lifecycle.ts';
import { OWNERSHIP_TIMES } from '../../fleet/ownership-times.ts';
import { FailoverFleet } from './failover/fleet.ts';
import {
  drain,
  flush,
  killProcess,
  type Loss,
  logPosition,
  loseHost,
  qrAsked,
  stopHost,
} from './failover/scenes.ts';
import { Phones } from './support/phones.ts';
import { benchArguments, publish, rounded } from './support/report.ts';
import { median, quantile } from './support/statistics.ts';

const SESSIONS = 25;

/** An instance's process that has run for so long is started again at once when it dies, milliseconds. */
const WELL = 65_000;

/**
 * What the loss of a host costs, and what planned hand-overs do: `npm run bench:failover [-- --quick --json FILE]`. Two instances on this
 * machine stand for two hosts; one of them has all sessions, a workspace each.
 */
await runProcess(async (signal) => {
  const options = benchArguments();
  const runs = options.quick ? 2 : 20;
  const stops = options.quick ? 1 : 3;
  const kills = options.quick ? 1 : 5;
  const fleet = await FailoverFleet.start(SESSIONS);
  const say = (text: string) => process.stderr.write(`${text}\n`);
  try {
    await fleet.link();
    const begin = await logPosition(fleet);
    let on = 'instance-1';
    const losses: Loss[] = [];
    while (losses.length < runs && !signal.aborted) {
      const { loss, now } = await loseHost(fleet, on);
      losses.push(loss);
      on = now;
      say(`lost a host, ${losses.length} of ${runs}: ${JSON.stringify(loss)}`);
    }
    const inPlace: number[] = [];
    for (let kill = 0; kill < kills && !signal.aborted; kill += 1) {
      // One that died a moment ago is started again later and later.
      if (kill > 0) await sleep(WELL);
      inPlace.push(await killProcess(fleet, on));
      say(`killed the process of an instance: ${inPlace.at(-1)}`);
    }
    // An owner that has just claimed cannot yet say that nobody before it runs: whoever it hands over to would wait in its place.
    await sleep(OWNERSHIP_TIMES.wait);
    const drained = await drain(fleet, on);
    on = drained.now;
    say(`drained: ${drained.seconds} s, ${JSON.stringify(drained.load)}`);
    const flushed = await flush(fleet);
    say(`emptied Redis: ${JSON.stringify(flushed)}`);
    // Both browsers of a device stay connected, so that what the old one does is seen.
    await new Phones(fleet.emulatorUrl).post('/config', { conflict_grace_ms: 60_000 });
    const overlaps: number[] = [];
    while (overlaps.length < stops && !signal.aborted) {
      const { overlap, now } = await stopHost(fleet, on);
      overlaps.push(overlap);
      on = now;
      say(`stopped a host: the old browsers sent for ${overlap} s`);
    }
    const asked = await qrAsked(fleet, begin);
    const seconds = (pick: (loss: Loss) => number) => losses.map(pick);
    const shown = (values: readonly number[]) =>
      `${rounded(median(values))} / ${rounded(quantile(values, 0.95))} / ${rounded(Math.max(...values))}`;
    const failed = (load: { failed: Record<string, number> }) =>
      Object.values(load.failed).reduce((sum, count) => sum + count, 0);
    await publish(
      {
        name: 'failover',
        title: `Failover of ${SESSIONS} sessions, with Chromium and the emulator on one machine`,
        runs: losses.length,
        versions: {},
        figures: {
          noticed_s_p95: rounded(
            quantile(
              seconds(({ noticed }) => noticed),
              0.95,
            ),
          ),
          first_ready_s_p95: rounded(
            quantile(
              seconds(({ first }) => first),
              0.95,
            ),
          ),
          all_ready_25_s_p95: rounded(
            quantile(
              seconds(({ all }) => all),
              0.95,
            ),
          ),
          qr_asked: asked,
          overlap_s_max: rounded(Math.max(...overlaps), 3),
          in_place_s_max: rounded(Math.max(...inPlace)),
          drain_s: rounded(drained.seconds),
          drain_requests: drained.load.requests,
          drain_requests_failed: failed(drained.load),
          drain_gap_ms_p50: Math.round(median(drained.gaps)),
          drain_gap_ms_p99: Math.round(quantile(drained.gaps, 0.99)),
          flush_sessions_lost: flushed.lost,
          flush_requests: flushed.load.requests,
          flush_requests_failed: failed(flushed.load),
        },
        rows: [
          ['host lost, noticed: median / p95 / max, s', shown(seconds(({ noticed }) => noticed))],
          ['first session ready elsewhere, s', shown(seconds(({ first }) => first))],
          [`all ${SESSIONS} ready elsewhere, s`, shown(seconds(({ all }) => all))],
          ['QR codes asked for', asked],
          ['host stopped and resumed: the old browsers sent for, s', shown(overlaps)],
          ["kill -9 of an instance's process: all ready in place, s", shown(inPlace)],
          [`drain of ${SESSIONS} sessions, s`, rounded(drained.seconds)],
          ['drain: requests / failed', `${drained.load.requests} / ${failed(drained.load)}`],
          [
            'drain: a session without a connection, median / p99, ms',
            `${Math.round(median(drained.gaps))} / ${Math.round(quantile(drained.gaps, 0.99))}`,
          ],
          ['Redis emptied: sessions lost, sessions restarted', `${flushed.lost}, ${flushed.moved}`],
          ['Redis emptied: requests / failed', `${flushed.load.requests} / ${failed(flushed.load)}`],
        ],
        details: { losses, inPlace, overlaps, drained, flushed },
      },
      options,
    );
    return 0;
  } finally {
    await fleet.close();
  }
});
