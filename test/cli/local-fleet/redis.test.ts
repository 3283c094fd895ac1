import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KeptProcess } from '../../../cli/local-fleet/kept-process.ts';
import { processIdentity } from '../../../cli/local-fleet/process-identity.ts';
import { planRedis } from '../../../cli/local-fleet/redis.ts';
import { readEnv } from '../../../common/env.ts';
import { createLogger } from '../../../common/logger.ts';
import { connectRedis, parseRedisUrl } from '../../../common/redis.ts';
import { durabilityFaults, readRedisFacts } from '../../../fleet/queue/durability.ts';
import { eventually } from '../../helpers/eventually.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';

const log = createLogger('silent', {});

describe("the local fleet's own Redis", () => {
  let directory: string;
  const kept: KeptProcess<true>[] = [];
  beforeEach(async () => {
    directory = await temporaryDirectory();
  });
  afterEach(async () => {
    await Promise.all(kept.splice(0).map((one) => one.stop()));
  });

  const start = async () => {
    const redis = await planRedis(directory, directory, readEnv());
    const process = new KeptProcess(redis.plan, () => undefined);
    kept.push(process);
    await process.start();
    return { url: redis.url, process };
  };

  it('asks for its password', async () => {
    const { url } = await start();
    const socket = connect(Number(new URL(url).port), '127.0.0.1').setEncoding('utf8');
    socket.write('PING\r\n');
    const [answer] = (await once(socket, 'data')) as [string];
    socket.destroy();
    expect(answer).toMatch(/^-NOAUTH /);
  });

  it('keeps what was written when it is killed', async () => {
    const first = await start();
    const before = await connectRedis(parseRedisUrl(first.url), log);
    await before.set('wharf:test', 'kept');
    before.disconnect();
    await first.process.stop();
    const second = await start();
    const after = await connectRedis(parseRedisUrl(second.url), log);
    expect(await after.get('wharf:test')).toBe('kept');
    expect(durabilityFaults(await readRedisFacts(after))).toEqual([]);
    after.disconnect();
  });

  it('ends when the process that started it is killed', async () => {
    const { plan } = await planRedis(directory, directory, readEnv());
    // A parent that starts it as a kept process does, says its id, and can be killed.
    const parent = spawn(
      process.execPath,
      [
        '-e',
        `const child = require('node:child_process').spawn(${JSON.stringify(plan.program)}, ${JSON.stringify(plan.args)}, { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
         console.log(child.pid); setInterval(() => {}, 1000);`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'], cwd: directory },
    );
    const [output] = (await once(parent.stdout.setEncoding('utf8'), 'data')) as [string];
    const pid = Number(output);
    expect(await plan.probe?.()).toBe(true);
    expect(await processIdentity(pid)).not.toBeNull();
    parent.kill('SIGKILL');
    await eventually(async () => (await processIdentity(pid)) === null);
  });
});
