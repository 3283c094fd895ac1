import { createRequire } from 'node:module';
import { runProcess } from '../../common/lifecycle.ts';
import { type AcceptingRound, measureAccepting } from './messages/accepting.ts';
import { measureSending, type SendTimes } from './messages/sending.ts';
import { benchArguments, publish, rounded } from './support/report.ts';
import { median, quantile } from './support/statistics.ts';

/**
 * What the message queue takes and how soon it sends: `npm run bench:messages [-- --quick --json FILE]`. One router process, Redis that syncs its file at
 * each write, and wrk, all on this machine; BullMQ by itself in alternate rounds against the same Redis; then one session in a real browser.
 */
await runProcess(async () => {
  const args = benchArguments();
  const say = (text: string) => process.stderr.write(`${text}\n`);
  const { rounds, redisVersion, bytesPerMessage } = await measureAccepting(args.quick, say);
  const { oneByOne, steady } = await measureSending(args.quick, say);
  const middle = (pick: (round: AcceptingRound) => number) => median(rounds.map(pick));
  const figures = {
    accepted_single_per_s: Math.round(middle(({ single }) => single.requestsPerSecond)),
    accepted_bulk_per_s: Math.round(middle(({ bulkPerSecond }) => bulkPerSecond)),
    // Of each round by itself: what the machine did in it fell on both.
    ratio_bulk_to_raw_bullmq: rounded(
      middle(({ bulkPerSecond, rawPerSecond }) => bulkPerSecond / rawPerSecond),
      3,
    ),
    accept_to_sent_ms_p50: rounded(quantile(oneByOne.sent, 0.5)),
    accept_to_sent_ms_p99: rounded(quantile(oneByOne.sent, 0.99)),
    accepted_with_key_per_s: Math.round(middle(({ withKey }) => withKey.requestsPerSecond)),
    raw_bullmq_per_s: Math.round(middle(({ rawPerSecond }) => rawPerSecond)),
    accepted_single_ms_p99: rounded(middle(({ single }) => single.p99Milliseconds)),
    accept_to_sent_at_10_per_s_ms_p50: rounded(quantile(steady.sent, 0.5)),
    accept_to_sent_at_10_per_s_ms_p99: rounded(quantile(steady.sent, 0.99)),
    redis_bytes_per_message: Math.round(bytesPerMessage),
  };
  await publish(
    {
      name: 'messages',
      title: 'Accepting and sending messages',
      runs: rounds.length,
      versions: { redis: redisVersion, bullmq: versionOf('bullmq') },
      figures,
      rows: [
        ['accepted one by one, messages/s (wrk, 64 connections)', figures.accepted_single_per_s],
        ['  the same with an Idempotency-Key each', figures.accepted_with_key_per_s],
        ['  answer, median and p99 of a round, ms', shown(rounds.map(({ single }) => single))],
        [
          '  router CPU seconds for 1000',
          rounded(
            middle(({ routerCpu }) => routerCpu.single),
            3,
          ),
        ],
        ['accepted in bulks of 1000, messages/s (wrk, 4 connections)', figures.accepted_bulk_per_s],
        [
          '  router CPU seconds for 1000',
          rounded(
            middle(({ routerCpu }) => routerCpu.bulk),
            3,
          ),
        ],
        ['BullMQ by itself, addBulk of 1000, 4 at once, jobs/s', figures.raw_bullmq_per_s],
        ['bulk to BullMQ by itself', figures.ratio_bulk_to_raw_bullmq],
        ['from the request to WhatsApp, one by one: p50 / p99, ms', shownTimes(oneByOne.sent)],
        ['  until the answer', shownTimes(oneByOne.answered)],
        ['from the request to WhatsApp at 10 a second: p50 / p99, ms', shownTimes(steady.sent)],
        ['  until the answer', shownTimes(steady.answered)],
        ['Redis memory of a waiting message, bytes', figures.redis_bytes_per_message],
      ],
      details: { rounds, oneByOne, steady },
    },
    args,
  );
  return 0;
});

function shown(posted: readonly AcceptingRound['single'][]): string {
  const p50 = median(posted.map((each) => each.p50Milliseconds));
  const p99 = median(posted.map((each) => each.p99Milliseconds));
  return `${rounded(p50)} / ${rounded(p99)}`;
}

function shownTimes(times: SendTimes['sent']): string {
  return `${rounded(quantile(times, 0.5))} / ${rounded(quantile(times, 0.99))}`;
}

function versionOf(name: string): string {
  return (createRequire(import.meta.url)(`${name}/package.json`) as { version: string }).version;
}
