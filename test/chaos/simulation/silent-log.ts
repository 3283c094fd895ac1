import { Writable } from 'node:stream';
import type { Logger } from '../../../common/logger.ts';
import { createLogger } from '../../../common/logger.ts';
import type { Environment } from './environment.ts';

/** A log that goes into the world's story where somebody listens, and nowhere else. */
export function silentLog(env: Environment, who: string): Logger {
  if (!env.listens)
    return createLogger('silent', {}, new Writable({ write: (_chunk, _encoding, done) => done() }));
  const sink = new Writable({
    write: (chunk, _encoding, done) => {
      const { msg, level, time, ...rest } = JSON.parse(String(chunk)) as Record<string, unknown>;
      env.tell(who, `${String(msg)} ${JSON.stringify(rest)}`);
      done();
    },
  });
  return createLogger('debug', {}, sink);
}
