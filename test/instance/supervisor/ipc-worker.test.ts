import { beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../common/clock.ts';
import { createLogger } from '../../../common/logger.ts';
import { IpcWorker } from '../../../instance/supervisor/ipc-worker.ts';
import type { SupervisorMessage } from '../../../instance/supervisor/messages.ts';
import { eventually } from '../../helpers/eventually.ts';

describe('an instance as a worker', () => {
  let sent: SupervisorMessage[];
  let killed: string[];
  let endedFromOutside: string[][];
  let outsideEnds: boolean;
  let instance: { hasEnded: boolean; send(message: SupervisorMessage): void; kill(why: string): void };
  beforeEach(() => {
    sent = [];
    killed = [];
    endedFromOutside = [];
    outsideEnds = true;
    instance = { hasEnded: false, send: (message) => sent.push(message), kill: (why) => killed.push(why) };
  });
  const make = (patience = { kill: 10_000, answer: 10_000, close: 10_000 }) =>
    new IpcWorker({
      instance,
      endBrowsers: async (workspaces) => {
        endedFromOutside.push([...workspaces]);
        return outsideEnds;
      },
      clock: systemClock,
      toHostClock: (time) => time - 1000,
      authority: 7000,
      patience,
      log: createLogger('silent', {}),
    });
  const idOf = (message: SupervisorMessage | undefined) =>
    message !== undefined && 'id' in message ? message.id : Number.NaN;
  const asked = (kind: string, count = 1) =>
    eventually(() => {
      const found = sent.filter((message) => message.kind === kind);
      return found.length === count ? found : undefined;
    });

  it('sends the proofs of one turn together, in host time, as old as the oldest of them', async () => {
    const worker = make();
    worker.extend('1', 3, 20_000);
    worker.extend('2', 4, 19_000);
    worker.extend('1', 3, 21_000);
    expect(sent).toEqual([]);
    await asked('extend');
    expect(sent).toEqual([
      {
        kind: 'extend',
        asked: 11_000,
        until: [
          { workspace: '1', epoch: 3, until: 20_000 },
          { workspace: '2', epoch: 4, until: 18_000 },
        ],
      },
    ]);
  });

  it('keeps the order of what it was told', async () => {
    const worker = make();
    worker.extend('1', 3, 20_000);
    void worker.kill('1', 3);
    worker.run({
      workspace: '2',
      epoch: 1,
      generation: 1,
      released: false,
      startAt: 5000,
      until: 9000,
    });
    expect(sent.map(({ kind }) => kind)).toEqual(['extend', 'kill', 'run']);
    expect(sent[2]).toMatchObject({ start_at: 4000, until: 8000 });
  });

  it('believes an instance that says it has ended the browsers', async () => {
    const worker = make();
    const ended = worker.kill('1', 3);
    worker.heard({ kind: 'ended', id: idOf(sent[0]), workspaces: ['1'] });
    expect(await ended).toBe(true);
    expect(endedFromOutside).toEqual([]);
  });

  it('ends the browsers itself when the instance does not answer, and the instance with them', async () => {
    const worker = make({ kill: 1, answer: 50, close: 1 });
    const ends = [worker.kill('1', 3), worker.kill('2', 3), worker.kill('3', 3)];
    expect(await Promise.all(ends)).toEqual([true, true, true]);
    expect(endedFromOutside.flat().sort()).toEqual(['1', '2', '3']);
    expect(killed[0]).toMatch(/does not answer/);
  });

  it('says so when nobody saw them end', async () => {
    outsideEnds = false;
    const worker = make({ kill: 1, answer: 10_000, close: 1 });
    const ended = worker.kill('1', 3);
    await eventually(() => endedFromOutside.length === 1);
    worker.heard({ kind: 'ended', id: idOf(sent[0]), workspaces: [] });
    expect(await ended).toBe(false);
    expect(killed).toEqual([]);
  });

  it('lets a late answer count', async () => {
    outsideEnds = false;
    const worker = make({ kill: 1, answer: 10_000, close: 1 });
    const ended = worker.kill('1', 3);
    await eventually(() => endedFromOutside.length === 1);
    worker.heard({ kind: 'ended', id: idOf(sent[0]), workspaces: ['1'] });
    expect(await ended).toBe(true);
  });

  it('calls no workspace closed that had to be killed: nothing is known of its files', async () => {
    const worker = make({ kill: 10_000, answer: 10_000, close: 1 });
    const closed = worker.close('1', 3);
    const [kill] = await asked('kill');
    worker.heard({ kind: 'ended', id: idOf(kill), workspaces: ['1'] });
    expect(await closed).toBe(false);
  });

  it('waits for no answer of an instance that has ended', async () => {
    const worker = make();
    const [kill, close, all] = [worker.kill('1', 3), worker.close('2', 3), worker.closeAll()];
    instance.hasEnded = true;
    worker.instanceEnded();
    expect(await Promise.all([kill, close, all])).toEqual([true, false, []]);
    expect(endedFromOutside.flat().sort()).toEqual(['1', '2']);
    expect(await worker.kill('3', 1)).toBe(true);
    expect(await worker.closeAll()).toEqual([]);
  });
});
