import { describe, expect, it } from 'vitest';
import { type OperationHandle, Operations } from '../../backup/operations.ts';
import { WharfError } from '../../common/errors.ts';
import { createLogger } from '../../common/logger.ts';
import { DrivenClock } from '../helpers/driven-clock.ts';

const silent = createLogger('silent', {}, process.stderr);

/** Operations whose work a test ends. */
function someOperations(log = silent) {
  const clock = new DrivenClock();
  const term = new AbortController();
  const operations = new Operations({ term: () => term.signal, clock, log });
  const begin = (kind: 'run' | 'verify' | 'prune') => {
    let handle: OperationHandle | undefined;
    let end: (outcome: { backup?: string } | Error) => void = () => {};
    const operation = operations.begin(kind, (given) => {
      handle = given;
      return new Promise((resolve, reject) => {
        end = (outcome) => (outcome instanceof Error ? reject(outcome) : resolve(outcome));
      });
    });
    if (!handle) throw new Error('its work did not begin');
    return { id: operation.id, operation, handle, end, ended: () => operations.ended(operation.id) };
  };
  return { clock, term, operations, begin };
}

describe('Operations', () => {
  it('tells how an operation gets on, and how it ended', async () => {
    const { clock, operations, begin } = someOperations();
    const run = begin('run');
    expect(run.operation).toMatchObject({
      kind: 'run',
      state: 'running',
      done: 0,
      total: null,
      ended_at: null,
    });
    run.handle.set({ done: 25, total: 100, bytes: 7, doing: 'copying sessions' });
    run.handle.find('Something.');
    await clock.pass(10_000);
    expect(operations.get(run.id)).toMatchObject({
      done: 25,
      total: 100,
      left_seconds: 30,
      doing: 'copying sessions',
    });
    expect(operations.running()?.id).toBe(run.id);
    run.end({ backup: '20261122T090003Z' });
    expect(await run.ended()).toMatchObject({
      state: 'done',
      backup: '20261122T090003Z',
      findings: ['Something.'],
    });
    expect(operations.get(run.id)).toMatchObject({ left_seconds: null, doing: null });
    expect(operations.running()).toBeNull();
  });

  it('tells the log what an operation found, so that it is known after the end of the service', () => {
    const lines: string[] = [];
    const { begin } = someOperations(createLogger('info', {}, { write: (line) => lines.push(line) }));
    const verify = begin('verify');
    verify.handle.find('Backup 20261122T090003Z: the object ab is damaged.');
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      {
        level: 'warn',
        operation: verify.id,
        kind: 'verify',
        finding: 'Backup 20261122T090003Z: the object ab is damaged.',
        msg: 'an operation found something',
      },
    ]);
    for (let count = 0; count < 2000; count += 1) verify.handle.find('And this.');
    expect(lines).toHaveLength(1000);
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({
      finding: 'There are more; only the first ones are kept.',
    });
  });

  it('tells why one failed, and that one was ended', async () => {
    const { term, begin } = someOperations();
    const failing = begin('run');
    failing.end(new Error('The bucket refuses.'));
    expect(await failing.ended()).toMatchObject({ state: 'failed', error: 'The bucket refuses.' });
    const ended = begin('run');
    term.abort(new WharfError('backup_unavailable', 'Another makes the backups now.'));
    ended.end(new Error('The socket was closed.'));
    expect(await ended.ended()).toMatchObject({
      state: 'cancelled',
      error: 'It was ended. Another makes the backups now.',
    });
  });

  it('lets runs and verifications go on beside each other, and prunings alone', async () => {
    const { operations, begin } = someOperations();
    const verify = begin('verify');
    const run = begin('run');
    expect(operations.running()?.id).toBe(run.id);
    for (const kind of ['run', 'verify', 'prune'] as const)
      expect(() => begin(kind), kind).toThrow(expect.objectContaining({ code: 'backup_busy' }));
    for (const each of [run, verify]) each.end({});
    await operations.idle();
    const prune = begin('prune');
    for (const kind of ['run', 'verify', 'prune'] as const)
      expect(() => begin(kind), kind).toThrow(new RegExp(`at a prune \\(${prune.id}\\)`));
    prune.end({});
    await operations.idle();
    begin('run').end({});
  });

  it('begins nothing where another service makes the backups', () => {
    const refused = new WharfError('backup_unavailable', 'Another does.');
    const operations = new Operations({
      term: () => {
        throw refused;
      },
      clock: new DrivenClock(),
      log: silent,
    });
    expect(() => operations.begin('run', async () => undefined)).toThrow(refused);
    expect(operations.list()).toEqual([]);
  });

  it('remembers the last hundred, newest first, and a thousand findings of each', async () => {
    const { operations, begin } = someOperations();
    const ids: string[] = [];
    for (let n = 0; n < 120; n += 1) {
      const run = begin('run');
      if (n === 119) for (let at = 0; at < 2000; at += 1) run.handle.find(`Finding ${at}.`);
      run.end({});
      await run.ended();
      ids.unshift(run.id);
    }
    expect(operations.list().map(({ id }) => id)).toEqual(ids.slice(0, 100));
    const findings = operations.get(ids[0] ?? '')?.findings;
    expect(findings).toHaveLength(1000);
    expect(findings?.at(-1)).toBe('There are more; only the first ones are kept.');
    expect(operations.get('run-1')).toBeUndefined();
  });

  it('forgets none that goes on, however many came after it', async () => {
    const { operations, begin } = someOperations();
    const verify = begin('verify');
    for (let n = 0; n < 120; n += 1) {
      const run = begin('run');
      run.end({});
      await run.ended();
    }
    expect(operations.list()).toHaveLength(100);
    expect(operations.get(verify.id)?.state).toBe('running');
    expect(() => begin('prune')).toThrow(expect.objectContaining({ code: 'backup_busy' }));
    verify.end({});
    await operations.idle();
  });

  it('shows copies: who reads one changes nothing', () => {
    const { operations, begin } = someOperations();
    const { id } = begin('run');
    operations.get(id)?.findings.push('not found');
    expect(operations.get(id)?.findings).toEqual([]);
  });
});
