import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createLogger } from '../../../common/logger.ts';
import { FileClaims } from '../../../fleet/file-claims.ts';
import { SessionPaths } from '../../../fleet/session-paths.ts';
import { StorageHelper } from '../../../instance/supervisor/storage-helper.ts';
import { testsClaims } from '../../conformance/claims.ts';
import { eventually } from '../../helpers/eventually.ts';
import { claimOf } from '../../helpers/fleet-values.ts';
import { isAlive } from '../../helpers/processes.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';

const main = fileURLToPath(
  new URL('../../../dist/instance/supervisor/storage-helper-main.js', import.meta.url),
);

async function start(deadline = 30_000) {
  const paths = new SessionPaths(await temporaryDirectory());
  const options = { sessionPath: paths.root, main, env: {}, deadline };
  const helper = new StorageHelper(options, createLogger('silent', {}));
  onTestFinished(() => helper.close());
  return { paths, helper };
}

testsClaims('through a storage helper', async () => {
  const { paths, helper } = await start();
  return {
    claims: helper,
    elsewhere: new FileClaims(paths),
    spoil: async (workspace, epoch) => {
      await mkdir(paths.owners(workspace), { recursive: true });
      await writeFile(paths.claim(workspace, epoch), '');
    },
  };
});

describe('a storage helper', () => {
  const stop = (helper: StorageHelper) => {
    const pid = helper.pid ?? 0;
    process.kill(pid, 'SIGSTOP');
    return pid;
  };

  it('is replaced when it does not answer: what was inside fails, and the next call is answered', async () => {
    const { helper } = await start(300);
    // Its first start may take longer than the deadline on a machine under load.
    await eventually(() =>
      helper.create(claimOf('7', 1)).then(
        () => true,
        () => false,
      ),
    );
    await eventually(() =>
      helper.highest('7').then(
        (highest) => highest?.epoch === 1,
        () => false,
      ),
    );
    const stopped = stop(helper);
    const [highest, workspaces] = await Promise.allSettled([helper.highest('7'), helper.workspaces()]);
    for (const outcome of [highest, workspaces]) {
      expect(outcome).toMatchObject({
        status: 'rejected',
        reason: {
          code: 'storage_unavailable',
          message: 'The shared storage cannot be used: it did not answer within 0.3 s.',
        },
      });
    }
    await eventually(async () => !(await isAlive(stopped)));
    await eventually(() =>
      helper.highest('7').then(
        (again) => again?.epoch === 1,
        () => false,
      ),
    );
    expect(helper.pid).not.toBe(stopped);
  });

  it('leaves this process free while it hangs', async () => {
    const { helper } = await start(1500);
    await eventually(() =>
      helper.workspaces().then(
        () => true,
        () => false,
      ),
    );
    stop(helper);
    const calls = Array.from({ length: 50 }, () =>
      helper.workspaces().catch((error: Error) => error.message),
    );
    // Files of this process's own are read meanwhile, though fifty calls hang.
    await new FileClaims(new SessionPaths(await temporaryDirectory())).workspaces();
    const outcomes = await Promise.all(calls);
    expect(
      outcomes.every((outcome) => typeof outcome === 'string' && outcome.startsWith('The shared storage')),
    ).toBe(true);
  });

  it('is started again when it was killed', async () => {
    const { helper } = await start();
    await helper.workspaces();
    const killed = helper.pid ?? 0;
    process.kill(killed, 'SIGKILL');
    await eventually(() => helper.pid === undefined);
    expect(await helper.workspaces()).toEqual([]);
    expect(helper.pid).not.toBe(killed);
  });

  it('answers many calls at once, each with its own', async () => {
    const { helper } = await start();
    const workspaces = Array.from({ length: 100 }, (_, index) => String(index + 1));
    await Promise.all(workspaces.map((workspace, index) => helper.create(claimOf(workspace, index + 1))));
    const found = await Promise.all(workspaces.map((workspace) => helper.highest(workspace)));
    expect(found.map((highest) => highest?.epoch)).toEqual(workspaces.map(Number));
  });

  it('passes errors on as they were, and keeps beacons', async () => {
    const { paths, helper } = await start();
    await mkdir(paths.workspace('7'));
    await writeFile(paths.owners('7'), 'a file is in the way');
    await expect(helper.highest('7')).rejects.toMatchObject({
      code: 'storage_unavailable',
      message: expect.stringContaining('Could not list the claims in'),
    });
    await helper.requireSessionPath();
    expect(await helper.readBeacon('instance-1')).toBeNull();
    await helper.writeBeacon('instance-1', 'shines');
    await helper.writeBeacon('instance-1', 'shines anew');
    expect(await helper.readBeacon('instance-1')).toBe('shines anew');
  });

  it('ends with what started it, and answers nothing after', async () => {
    const { helper } = await start();
    await helper.workspaces();
    const pid = helper.pid ?? 0;
    const asked = helper.workspaces();
    helper.close();
    await expect(asked).rejects.toThrow('the process is stopping');
    await expect(helper.workspaces()).rejects.toThrow('the process is stopping');
    await eventually(async () => !(await isAlive(pid)));
  });
});
