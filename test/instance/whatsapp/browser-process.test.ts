import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { BrowserProcess } from '../../../instance/whatsapp/browser-process.ts';
import type { HookedClient } from '../../../instance/whatsapp/whatsapp-web-js.ts';

const NEVER = new Promise<never>(() => {});
const PATIENCE = 20_000;

/** A process that stands for a browser: it does with itself what is written to it. */
const PROGRAM = "process.stdin.on('data', (line) => eval(String(line)));";

let child: ChildProcess | undefined;

afterEach(() => {
  if (child?.pid && child.exitCode === null && child.signalCode === null) process.kill(-child.pid, 'SIGKILL');
  child = undefined;
});

/** A browser's process, and what was asked of it in its order. */
async function launched({
  ending,
  page = () => Promise.resolve(),
  answer = () => Promise.resolve(),
}: {
  /** What it does when it is asked to close. */
  ending: string;
  page?: () => Promise<unknown>;
  answer?: () => Promise<unknown>;
}) {
  const started = spawn(process.execPath, ['-e', PROGRAM], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child = started;
  await once(started, 'spawn');
  const asked: string[] = [];
  const browser = {
    process: () => started,
    pages: async () => [
      {
        close: () => {
          asked.push('close the page');
          return page();
        },
      },
    ],
    target: () => ({
      createCDPSession: async () => ({
        send: (method: string) => {
          asked.push(method);
          started.stdin.write(ending);
          return answer();
        },
      }),
    }),
  };
  const client = { pupBrowser: browser } as unknown as HookedClient;
  const owned = new BrowserProcess(client);
  owned.begin(NEVER);
  owned.launched();
  return { owned, asked, started };
}

describe('a browser that is closed', () => {
  it('has its pages closed first, since it may crash while it ends with one open, and is clean when it ended with 0', async () => {
    const { owned, asked } = await launched({ ending: 'process.exit(0)' });
    expect(await owned.close(PATIENCE)).toBe(true);
    expect(asked).toEqual(['close the page', 'Browser.close']);
  });

  it('is clean though its answer is lost, or fails since the connection ended first', async () => {
    for (const answer of [() => NEVER, () => Promise.reject(new Error('Target closed'))]) {
      const { owned } = await launched({ ending: 'process.exit(0)', answer });
      expect(await owned.close(PATIENCE)).toBe(true);
    }
  });

  it('is asked all the same where a page hangs or cannot be closed', async () => {
    for (const page of [() => NEVER, () => Promise.reject(new Error('no such target'))]) {
      const { owned, asked } = await launched({ ending: 'process.exit(0)', page });
      expect(await owned.close(PATIENCE)).toBe(true);
      expect(asked).toContain('Browser.close');
    }
  });

  it('is not clean when it crashes while it ends, or ends with a fault', async () => {
    for (const ending of ["process.kill(process.pid, 'SIGTRAP')", 'process.exit(3)']) {
      const { owned } = await launched({ ending });
      expect(await owned.close(PATIENCE)).toBe(false);
    }
  });

  it('is killed where it does not end in time, and not clean', async () => {
    const { owned, started } = await launched({ ending: '0' });
    expect(await owned.close(300)).toBe(false);
    expect(started.signalCode).toBe('SIGKILL');
  });

  it('is not clean where it had ended before it was asked, or is killed while it ends', async () => {
    const gone = await launched({ ending: '0' });
    gone.started.stdin?.write('process.exit(0)');
    await once(gone.started, 'exit');
    expect(await gone.owned.close(PATIENCE)).toBe(false);
    expect(gone.asked).toEqual([]);
    const killed = await launched({ ending: '0' });
    const closing = killed.owned.close(PATIENCE);
    await killed.owned.kill();
    expect(await closing).toBe(false);
  });
});
