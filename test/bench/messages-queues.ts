import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProcess } from '../../common/lifecycle.ts';
import { startRedis } from '../helpers/redis.ts';
import { type OwnerFigures, QueueFleet } from './messages/queue-fleet.ts';
import { benchArguments, publish, rounded } from './support/report.ts';

const OWNERS = 4;
/** Of each owner, from one where few workspaces have many sessions to one where many have few. */
const WORKSPACES = [25, 75, 125, 200];
const BURST = 20;

/**
 * What the queues of 3000 sessions cost on 4 instances: `npm run simulate:queues [-- --quick --json FILE]`. Redis, the queues, the outbox and the event log are
 * the real ones; the clients have no browsers, and their WhatsApp acknowledges at once.
 */
await runProcess(async () => {
  const args = benchArguments();
  const sessions = args.quick ? 100 : 750;
  const idleSeconds = args.quick ? 10 : 60;
  const directory = await mkdtemp(join(tmpdir(), 'wharf-bench-queues-'));
  const redis = await startRedis({ appendonly: true, settings: ['--appendfsync', 'always'] });
  const say = (text: string) => process.stderr.write(`${text}\n`);
  const fleet = new QueueFleet(redis, directory, sessions, WORKSPACES.slice(0, OWNERS));
  try {
    await fleet.start();
    const total = fleet.sessions.length;
    say(`${total} sessions are ready`);
    const empty = await fleet.redisMemory();
    const never = await fleet.owners(idleSeconds);
    say('idle, before any message');
    await fleet.burst(1);
    const one = await fleet.redisMemory();
    say('each session has sent a message');
    const idle = await fleet.owners(idleSeconds);
    say('idle, after');
    const burst = await fleet.burst(BURST);
    const after = await fleet.redisMemory();
    say(`${burst.messages} messages were sent in ${rounded(burst.seconds)} s`);
    const busy = await fleet.owners(1);
    const most = (pick: (owner: OwnerFigures) => number) => Math.max(...idle.map(pick));
    const figures = {
      sessions: total,
      instances: OWNERS,
      redis_connections_per_instance_max: Math.max(
        ...[...never, ...idle, ...busy].map(({ connections }) => connections),
      ),
      rss_mb_per_instance_max: Math.round(most(({ megabytes }) => megabytes)),
      idle_cpu_percent_per_instance_max: rounded(
        most(({ cpuPercent }) => cpuPercent),
        2,
      ),
      idle_redis_cpu_percent: rounded(idle[0]?.redisCpuPercent ?? Number.NaN, 2),
      redis_bytes_per_session_with_one_sent: Math.round((one - empty) / total),
      redis_bytes_per_message_kept: Math.round((after - one) / burst.messages),
      burst_messages: burst.messages,
      burst_accepted_s: rounded(burst.acceptedSeconds),
      burst_sent_s: rounded(burst.seconds),
      burst_sent_per_s: Math.round(burst.messages / burst.seconds),
      rss_mb_per_instance_after_burst_max: Math.round(Math.max(...busy.map(({ megabytes }) => megabytes))),
    };
    await publish(
      {
        name: 'queues',
        title: `The queues of ${total} sessions on ${OWNERS} instances, clients simulated`,
        runs: 1,
        versions: {},
        figures,
        rows: [
          ['workspaces of the instances', WORKSPACES.map((count) => Math.min(count, sessions)).join(', ')],
          ['Redis connections of each instance', idle.map(({ connections }) => connections).join(', ')],
          [
            'memory of each, idle, MB resident',
            idle.map(({ megabytes }) => Math.round(megabytes)).join(', '),
          ],
          [
            `CPU of each, idle, % of a core over ${idleSeconds} s`,
            idle.map(({ cpuPercent }) => rounded(cpuPercent, 2)).join(', '),
          ],
          ['CPU of Redis then', figures.idle_redis_cpu_percent],
          [
            'Redis memory of a session that has sent one message, bytes',
            figures.redis_bytes_per_session_with_one_sent,
          ],
          [
            'Redis memory of each further message that is kept, its event included, bytes',
            figures.redis_bytes_per_message_kept,
          ],
          [`burst of ${BURST} messages a session: accepted after, s`, figures.burst_accepted_s],
          ['  all sent after, s', figures.burst_sent_s],
          ['  messages/s', figures.burst_sent_per_s],
        ],
        details: { never, idle, busy },
      },
      args,
    );
    return 0;
  } finally {
    await fleet.close();
    await redis.close();
    await rm(directory, { recursive: true, force: true });
  }
});
