import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../common/clock.ts';
import { createLogger } from '../../common/logger.ts';
import { FileClaims } from '../../fleet/file-claims.ts';
import type { Assignment } from '../../fleet/records.ts';
import { SessionPaths } from '../../fleet/session-paths.ts';
import { Ownership } from '../../instance/ownership.ts';
import { temporaryDirectory } from '../helpers/temp-dir.ts';

/** An incarnation of an instance, as it begins on a storage. */
function incarnation(root: string, number: number, incarnationId = `of-${number}`) {
  const told: Assignment[] = [];
  const paths = new SessionPaths(root);
  const identity = { instance: `instance-${number}`, incarnation: incarnationId, host: 'here' };
  const ownership = new Ownership(
    new FileClaims(paths),
    identity,
    systemClock,
    createLogger('silent', {}),
    (claim) => told.push(claim),
  );
  return { ownership, told, paths };
}

async function placeClaim(
  paths: SessionPaths,
  workspace: string,
  epoch: number,
  text: string,
): Promise<void> {
  await mkdir(paths.owners(workspace), { recursive: true });
  await writeFile(paths.claim(workspace, epoch), text);
}

describe('owning a workspace', () => {
  it('lets one of many who claim at once win, and names it to the others', async () => {
    for (let round = 0; round < 20; round += 1) {
      const root = await temporaryDirectory();
      const all = [1, 2, 3, 4, 5].map((number) => incarnation(root, number));
      const outcomes = await Promise.allSettled(all.map(({ ownership }) => ownership.adopt('7')));
      const won = outcomes.flatMap(({ status }, index) => (status === 'fulfilled' ? [index] : []));
      expect(won).toHaveLength(1);
      const owner = `instance-${(won[0] ?? 0) + 1}`;
      for (const outcome of outcomes)
        if (outcome.status === 'rejected')
          expect(outcome.reason).toMatchObject({ code: 'not_owner', extra: { owner } });
      expect(await readdir(new SessionPaths(root).owners('7'))).toEqual(['1']);
    }
  });

  it('claims once for those who ask one instance at once, and says so once', async () => {
    const { ownership, told } = incarnation(await temporaryDirectory(), 1);
    expect(await Promise.all([1, 2, 3].map(() => ownership.adopt('7')))).toEqual([1, 1, 1]);
    expect(told).toEqual([{ workspace_id: '7', epoch: 1, instance: 'instance-1', incarnation: 'of-1' }]);
    expect(ownership.assignments()).toEqual(told);
  });

  it('is nothing before it is claimed', async () => {
    const { ownership } = incarnation(await temporaryDirectory(), 1);
    expect(() => ownership.epoch('7')).toThrow(expect.objectContaining({ code: 'not_owner', status: 421 }));
  });

  it('is taken back by a new incarnation of the same instance, at a higher epoch each time', async () => {
    const root = await temporaryDirectory();
    await incarnation(root, 1, 'first').ownership.adopt('7');
    await incarnation(root, 1, 'first').ownership.adopt('8');
    await incarnation(root, 2).ownership.adopt('9');
    for (const epoch of [2, 3, 4]) {
      const { ownership } = incarnation(root, 1, `life-${epoch}`);
      expect((await ownership.reclaim()).sort()).toEqual(['7', '8']);
      expect([ownership.epoch('7'), ownership.epoch('8')]).toEqual([epoch, epoch]);
      expect(() => ownership.epoch('9')).toThrow(expect.objectContaining({ code: 'not_owner' }));
    }
    const names = await readdir(new SessionPaths(root).owners('7'));
    expect(names.sort()).toEqual(['1', '2', '3', '4']);
  });

  it("does not take another instance's", async () => {
    const root = await temporaryDirectory();
    await incarnation(root, 2).ownership.adopt('7');
    const { ownership } = incarnation(root, 1);
    expect(await ownership.reclaim()).toEqual([]);
    await expect(ownership.adopt('7')).rejects.toMatchObject({
      code: 'not_owner',
      extra: { owner: 'instance-2' },
      message: expect.stringContaining('instance-2 does'),
    });
  });

  it.each(['', '{"workspace_id":"7","ep', '\0\0\0', '{}', '[]', 'null'])(
    'counts a claim that holds %j: its epoch is taken, and the owner before it stays',
    async (text) => {
      const root = await temporaryDirectory();
      const first = incarnation(root, 1, 'first');
      await first.ownership.adopt('7');
      await placeClaim(first.paths, '7', 2, text);
      await expect(incarnation(root, 2).ownership.adopt('7')).rejects.toMatchObject({
        extra: { owner: 'instance-1' },
      });
      const again = incarnation(root, 1, 'second');
      expect(await again.ownership.reclaim()).toEqual(['7']);
      expect(again.ownership.epoch('7')).toBe(3);
      expect(await readFile(again.paths.claim('7', 2), 'utf8')).toBe(text);
    },
  );

  it('may be had by anybody where nothing but unreadable claims stand, above them', async () => {
    const root = await temporaryDirectory();
    const { ownership, paths } = incarnation(root, 1);
    await placeClaim(paths, '7', 4, 'torn');
    expect(await ownership.reclaim()).toEqual([]);
    expect(await ownership.adopt('7')).toBe(5);
  });

  it('looks past what is no claim', async () => {
    const root = await temporaryDirectory();
    const { ownership, paths } = incarnation(root, 1);
    await mkdir(paths.owners('7'), { recursive: true });
    for (const name of ['007', '0', '-1', '1e3', '9999999999999999', '.1.123.tmp', 'x'])
      await writeFile(`${paths.owners('7')}/${name}`, '{}');
    expect(await ownership.adopt('7')).toBe(1);
  });

  it('leaves no half-made claim behind', async () => {
    const root = await temporaryDirectory();
    const { ownership, paths } = incarnation(root, 1);
    await ownership.adopt('7');
    expect(await readdir(paths.owners('7'))).toEqual(['1']);
    expect(JSON.parse(await readFile(paths.claim('7', 1), 'utf8'))).toMatchObject({
      workspace_id: '7',
      epoch: 1,
      instance: 'instance-1',
      incarnation: 'of-1',
      host: 'here',
    });
  });

  it('says that the storage is not there, and which', async () => {
    const root = `${await temporaryDirectory()}/none`;
    await expect(incarnation(root, 1).ownership.reclaim()).rejects.toMatchObject({
      code: 'storage_unavailable',
      message: expect.stringContaining(root),
    });
  });
});
