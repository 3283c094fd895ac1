import { readEnv } from '../../../common/env.ts';
import { aborted, Lifecycle, runProcess } from '../../../common/lifecycle.ts';
import { createLogger } from '../../../common/logger.ts';
import { NO_TRACER } from '../../../common/tracing/tracer.ts';
import { SessionPaths } from '../../../fleet/session-paths.ts';
import { instanceConfig } from '../../../instance/config.ts';
import { openMessaging } from '../../../instance/messaging-context.ts';
import { newCounters } from '../../../instance/session/counters.ts';
import { Session } from '../../../instance/session/session.ts';
import { hostClock } from '../../../instance/supervisor/host-clock.ts';
import { aRecord } from '../../helpers/session-record.ts';
import { FakeClients } from '../../instance/helpers/fake-clients.ts';
import { aTenure, memoryParts } from '../../instance/helpers/session-parts.ts';
import { benchSessions } from './queue-sessions.ts';

/**
 * An instance's message parts as they are, over sessions whose clients have no browser and whose WhatsApp acknowledges at once. Its sessions are ready when it
 * prints `{"sessions": N}`.
 *
 * Environment: an instance's own, and `OWNER` (which of the owners it is, from 0), `SESSIONS` and `WORKSPACES` (how many it has).
 */
await runProcess(async (signal) => {
  const env = readEnv();
  const config = instanceConfig(env);
  const log = createLogger(config.logLevel, { instance: config.instance });
  const lifecycle = new Lifecycle(log, config.shutdownTimeout);
  const counters = newCounters();
  const sessions = new Map<string, Session>();
  const messaging = await openMessaging({
    config,
    paths: new SessionPaths(config.sessionPath),
    clock: hostClock,
    counters,
    find: (workspace, session) => sessions.get(`${workspace}/${session}`),
    log,
    tracer: NO_TRACER,
    lifecycle,
  });
  const clients = new FakeClients({
    start: async (client) => {
      setImmediate(() => client.becomeReady());
    },
    send: async (message, client, key) => {
      const whatsappId = `true_${message.to}_${key}`;
      setImmediate(() => client.events.happened({ kind: 'ack', whatsappId, ack: 1 }));
      return whatsappId;
    },
  });
  const { parts, store } = memoryParts(clients, {
    clock: hostClock,
    counters,
    log: createLogger('silent', {}),
    listeners: messaging.listeners,
    onChange: () => {},
  });
  const mine = benchSessions(Number(env['OWNER']), Number(env['SESSIONS']), Number(env['WORKSPACES']));
  for (const { workspace, session } of mine) {
    const record = aRecord({ workspace_id: workspace, session_id: session, linked: true });
    store.records.set(`${workspace}/${session}`, record);
    sessions.set(`${workspace}/${session}`, new Session(record, aTenure(), parts));
  }
  messaging.serve(new Set(mine.map(({ workspace }) => workspace)));
  for (const session of sessions.values()) session.resume();
  while ([...sessions.values()].some(({ status }) => status !== 'ready')) await hostClock.sleep(50, signal);
  process.stdout.write(`${JSON.stringify({ sessions: sessions.size })}\n`);
  await aborted(signal);
  await lifecycle.close();
  return 0;
});
