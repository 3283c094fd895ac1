import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { onEnd } from '../../common/lifecycle.ts';

const lifecycle = fileURLToPath(new URL('../../dist/common/lifecycle.js', import.meta.url));
const program = `
  const { runProcess, aborted } = await import(${JSON.stringify(lifecycle)});
  await runProcess(async (signal) => {
    process.stdout.write('up\\n');
    const alive = setInterval(() => {}, 1000);
    await aborted(signal);
    clearInterval(alive);
    process.stdout.write(signal.reason.message);
    return 7;
  });`;

describe('onEnd', () => {
  it('calls back once, when the stream has ended', async () => {
    const input = new PassThrough();
    const ended = vi.fn();
    onEnd(input, ended);
    input.write('ignored');
    expect(ended).not.toHaveBeenCalled();
    input.end();
    await once(input, 'close');
    expect(ended).toHaveBeenCalledTimes(1);
  });

  it('calls back when the stream breaks', async () => {
    const input = new PassThrough();
    const ended = new Promise<void>((resolve) => onEnd(input, resolve));
    input.destroy(new Error('broken'));
    await ended;
  });
});

describe('a process with WHARF_EXIT_WITH_PARENT=1', () => {
  let child: ChildProcess | undefined;
  afterEach(() => child?.kill('SIGKILL'));

  const start = (env: Record<string, string>) => {
    const started = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, ...env },
    });
    child = started;
    started.stdout.setEncoding('utf8');
    return started;
  };

  it('ends in order when its standard input is closed', async () => {
    const started = start({ WHARF_EXIT_WITH_PARENT: '1' });
    await once(started.stdout, 'data');
    const said = once(started.stdout, 'data');
    started.stdin.end();
    expect(await once(started, 'exit')).toEqual([7, null]);
    expect(await said).toEqual(['stopped, since the process that started this one is gone']);
  });

  it('does not end with its standard input where that was not asked for', async () => {
    const started = start({ WHARF_EXIT_WITH_PARENT: '' });
    await once(started.stdout, 'data');
    started.stdin.end();
    const said = once(started.stdout, 'data');
    started.kill('SIGTERM');
    expect(await once(started, 'exit')).toEqual([7, null]);
    expect(await said).toEqual(['stopped by SIGTERM']);
  });
});
