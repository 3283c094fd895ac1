import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '../../helpers/eventually.ts';
import { describeHosts } from './describe-hosts.ts';
import { GlusterVolume } from './gluster.ts';
import type { HostProcess } from './host-process.ts';
import { threadStates, waitsForStorage } from './namespace.ts';
import type { StorageMount } from './storage-mount.ts';
import { World } from './world.ts';

await describeHosts('a GlusterFS volume that is mounted once on each host', () => {
  let world: World;
  let volume: GlusterVolume;
  let one: StorageMount;
  let two: StorageMount;
  beforeAll(async () => {
    world = await World.make({ one: 1, two: 1, three: 1, storage: 3 });
    volume = await GlusterVolume.make(world.host('storage'), 64);
    [one, two] = (await Promise.all([volume.mount(world.host('one')), volume.mount(world.host('two'))])) as [
      StorageMount,
      StorageMount,
    ];
  });
  afterAll(() => world.close());

  let files = 0;
  /** Writes a new file and syncs it: `written`, or what dd says, at whatever time it does. */
  const write = async (mount: StorageMount): Promise<string> => {
    files += 1;
    const writer = await startWriter(mount, `file-${files}`);
    const { code } = await writer.ended;
    return code === 0 ? 'written' : ((await writer.log()).trim().split('\n').at(-1) as string);
  };
  const writes = (mount: StorageMount) => eventually(async () => (await write(mount)) === 'written');

  it('shows each host what the other wrote', async () => {
    await one.host.run('sh', ['-c', `echo hello > ${one.path}/greeting`]);
    expect(await two.host.run('cat', [`${two.path}/greeting`])).toBe('hello\n');
  });

  it('goes on without one brick, fails without two, and heals when they are back', async () => {
    const [first, second] = volume.bricks;
    await first?.kill();
    expect(await write(one)).toBe('written');
    await second?.kill();
    await eventually(async () => /not connected|Read-only/.test(await write(two)));
    await volume.startBricks();
    await writes(one);
    await writes(two);
    await eventually(async () => (await volume.entriesToHeal()) === 0, 60_000);
  });

  it('waits for a brick that is silent, and goes on without it', async () => {
    const [brick] = volume.bricks;
    await brick?.pause();
    expect(await write(one)).toBe('written');
    await brick?.resume();
  });

  it('is lost to the host that is cut off from it, and to no other', async () => {
    await world.network.cut(one.host, volume.host);
    await eventually(async () => /not connected/.test(await write(one)));
    expect(await write(two)).toBe('written');
    await world.network.healAll();
    await writes(one);
  });

  it('is full when its bricks are, and has room again', async () => {
    for (const brick of volume.bricks) await brick.fill();
    await eventually(async () => /No space left/.test(await write(one)));
    for (const brick of volume.bricks) await brick.free();
    await writes(one);
  });

  it('hangs for one host whose client is stopped, as long as it is', async () => {
    await one.hang();
    const hung = await startWriter(one, 'hung');
    await eventually(() => waitsForStorage(hung.pid));
    expect(await write(two)).toBe('written');
    expect(hung.hasEnded).toBe(false);
    await one.resume();
    expect(await hung.ended).toEqual({ code: 0, signal: null });
  });

  it('comes back to a host that had lost its client, or all its processes', async () => {
    await one.kill();
    expect(await write(one)).toContain('not connected');
    await one.mountAgain();
    expect(await write(one)).toBe('written');

    await world.network.isolate(one.host);
    await one.host.killAll();
    await world.network.rejoin(one.host);
    await one.mountAgain();
    expect(await write(one)).toBe('written');
  });

  it('hangs for a host with a hard mount that is cut off, and lets nobody out, until it is cut off no more', async () => {
    const hard = await volume.mount(world.host('three'), true);
    await world.network.cut(hard.host, volume.host);
    const hung = await startWriter(hard, 'unkillable');
    await eventually(() => waitsForStorage(hung.pid));
    hung.signal('SIGKILL');
    await eventually(async () => (await threadStates(hung.pid)).includes('D'));
    expect(await write(two)).toBe('written');
    expect(hung.hasEnded).toBe(false);
    await world.network.healAll();
    expect((await hung.ended).signal).toBe('SIGKILL');
    await writes(hard);
  });

  async function startWriter(mount: StorageMount, name: string): Promise<HostProcess> {
    return await mount.host.start(name, 'dd', [
      ...['if=/dev/zero', `of=${mount.path}/${name}`, 'bs=4k', 'count=1', 'conv=fsync', 'status=none'],
    ]);
  }
});
