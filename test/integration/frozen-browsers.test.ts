import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { sessionCopySchema } from '../../fleet/backup/session-copy.ts';
import { SessionPaths } from '../../fleet/session-paths.ts';
import { askSession } from '../helpers/ask-session.ts';
import { EmulatedWhatsApp } from '../helpers/emulated-whatsapp.ts';
import { eventually } from '../helpers/eventually.ts';
import { browsersUnder, isAlive } from '../helpers/processes.ts';
import { startRedis } from '../helpers/redis.ts';
import { SupervisedInstance } from '../helpers/supervised-instance.ts';
import { temporaryDirectory } from '../helpers/temp-dir.ts';

const TOKEN = 'wharf-internal-token-of-this-test-0002';
const qrSchema = z.object({ qr: z.string() });

/** The state of a process, `T` where it is stopped; asked without waiting, so that what follows at once meets it there. */
function stateNow(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
  } catch {
    return undefined;
  }
}

/** The processes that would let a browser go on. */
function guardsNow(browser: number): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const isGuard = (pid: string) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`wharf-thaw\0${browser}\0`);
    } catch {
      return false;
    }
  };
  return pids.filter(isGuard).map(Number);
}

describe('a browser that is frozen for a copy of its profile', () => {
  let whatsapp: EmulatedWhatsApp;
  beforeAll(async () => {
    whatsapp = await EmulatedWhatsApp.start();
  });
  afterAll(() => whatsapp.close());

  async function scene(phone: string) {
    const sessions = await temporaryDirectory();
    const redis = await startRedis();
    onTestFinished(() => redis.close());
    const env = {
      INSTANCE_ID: 'instance-1',
      PORT: '0',
      REDIS_URL: redis.url,
      WHATSAPP_SESSION_PATH: sessions,
      ...whatsapp.browserEnv,
      WHARF_INTERNAL_TOKEN: TOKEN,
      WHARF_SCRATCH: join(sessions, 'scratch'),
    };
    const start = () => {
      const one = new SupervisedInstance(env);
      onTestFinished(async () => void (await one.stop()));
      return one;
    };
    const supervised = start();
    const { url, pid } = await supervised.ready();
    const ask = (method: string, path: string, body?: object, at = url) =>
      askSession({ url: at, token: TOKEN }, method, path, body);
    const isReady = async (at = url) => {
      const answer = await ask('GET', '', undefined, at).catch(() => undefined);
      return answer?.ok === true && JSON.stringify(await answer.json()).includes('"ready"');
    };
    expect((await ask('PUT', '', {})).status).toBe(201);
    const { qr } = qrSchema.parse(await (await ask('GET', '/qr?wait=30')).json());
    await whatsapp.post('/scan', { qr, phone });
    await eventually(() => isReady(), 60_000);
    const browser = await eventually(async () => (await browsersUnder(sessions))[0]?.pid);
    // More to look at while it is frozen, so that the moment is met.
    const name = { workspace: '7', session: 'main', generation: 1 };
    const more = join(new SessionPaths(sessions).userData(name), 'Default/IndexedDB/more');
    await mkdir(more);
    for (let number = 0; number < 1800; number += 1) await writeFile(join(more, String(number)), 'x');
    /** Does something the moment its browser is frozen. */
    const onceFrozen = async (then: () => void) => {
      let goesOn = true;
      const copying = (async () => {
        while (goesOn) await ask('POST', '/copies', {}).catch(() => {});
      })();
      while (stateNow(browser) !== 'T') await new Promise((resolve) => setImmediate(resolve));
      then();
      goesOn = false;
      return copying;
    };
    return { start, supervised, sessions, url, pid, browser, ask, isReady, onceFrozen };
  }

  it('ends with its instance that is killed with kill -9, and the next one copies it', async () => {
    const { supervised, pid, browser, ask, isReady, onceFrozen } = await scene('491700000101');
    await onceFrozen(() => process.kill(pid, 'SIGKILL'));
    await eventually(async () => !(await isAlive(browser)));
    const next = await supervised.ready(2);
    await eventually(() => isReady(next.url), 60_000);
    const copy = sessionCopySchema.parse(await (await ask('POST', '/copies', {}, next.url)).json());
    expect(copy).toMatchObject({ live: true, epoch: 2, record: { linked: true } });
  });

  it('ends by itself where its instance and the supervisor are killed with kill -9 at once', async () => {
    const { supervised, sessions, pid, browser, onceFrozen } = await scene('491700000102');
    await onceFrozen(() => {
      process.kill(supervised.pid, 'SIGKILL');
      process.kill(pid, 'SIGKILL');
    });
    await eventually(async () => !(await isAlive(browser)));
    expect(await browsersUnder(sessions)).toEqual([]);
  });

  it('goes on where its instance is stopped (SIGSTOP) meanwhile', async () => {
    const { pid, browser, isReady, onceFrozen } = await scene('491700000103');
    const copying = onceFrozen(() => process.kill(pid, 'SIGSTOP'));
    await eventually(() => stateNow(pid) === 'T');
    await eventually(() => stateNow(browser) !== 'T');
    expect([stateNow(pid), await isAlive(browser)]).toEqual(['T', true]);
    process.kill(pid, 'SIGCONT');
    await copying;
    await eventually(() => isReady(), 60_000);
  });

  it('that its instance, its guard and the supervisor left so is ended by the next supervisor', async () => {
    const { start, supervised, pid, browser, isReady, onceFrozen } = await scene('491700000104');
    // It may have gone on just before its instance was stopped: then again.
    for (let count = 0; count < 20; count += 1) {
      const copying = onceFrozen(() => {
        process.kill(pid, 'SIGSTOP');
        for (const guard of guardsNow(browser)) process.kill(guard, 'SIGKILL');
      });
      copying.catch(() => {});
      await eventually(() => stateNow(pid) === 'T');
      if (stateNow(browser) === 'T') break;
      process.kill(pid, 'SIGCONT');
      await copying;
    }
    process.kill(supervised.pid, 'SIGKILL');
    process.kill(pid, 'SIGKILL');
    await supervised.exited;
    expect(stateNow(browser)).toBe('T');
    const { url } = await start().ready();
    expect(await isAlive(browser)).toBe(false);
    await eventually(() => isReady(url), 60_000);
  });
});
