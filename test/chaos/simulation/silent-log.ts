import { Writable } from 'node:stream';
import type { Logger } from '../../../common/logger.ts';
import { createLogger } from '../../../common/logger.ts';
import type { World } from './world.ts';

/** A log that goes into the world's story where somebody listens, and nowhere else. */
export function silentLog(world: World, who: string): Logger {
  if (!world.listens)
    return createLogger('silent', {}, new Writable({ write: (_chunk, _encoding, done) => done() }));
  const sink = new Writable({
    write: (chunk, _encoding, done) => {
      const { msg, level, time, ...rest } = JSON.parse(String(chunk)) as Record<string, unknown>;
      world.tell(who, `${String(msg)} ${JSON.stringify(rest)}`);
      done();
    },
  });
  return createLogger('debug', {}, sink);
}
