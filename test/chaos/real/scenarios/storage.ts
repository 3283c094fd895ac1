import type { Scenario } from '../scene.ts';

/** Storage that is away, full, or hangs. */
export const STORAGE_SCENARIOS: readonly Scenario[] = [
  {
    name: 'storage-cut-off-from-one',
    what: 'one instance is cut off from the storage alone, until its sessions run elsewhere',
    async run(scene) {
      const { world, volume } = scene.fleet;
      const { instance } = await scene.victim();
      scene.fault(`${instance.id} is cut off from the storage`);
      await world.network.cut(instance.host, volume.host);
      await scene.leaves(instance);
      await scene.recovers();
      scene.note('it reaches the storage again');
      await world.network.heal(instance.host, volume.host);
      await scene.wait(3000, 8000);
      await scene.recovers();
    },
  },
  {
    name: 'storage-cut-off-for-a-moment',
    what: 'one instance is cut off from the storage for some seconds, and nothing else happens to it',
    async run(scene) {
      const { world, volume } = scene.fleet;
      const { instance } = await scene.victim();
      scene.fault(`${instance.id} is cut off from the storage`);
      await world.network.cut(instance.host, volume.host);
      await scene.wait(2000, 12_000);
      await world.network.heal(instance.host, volume.host);
      await scene.recovers();
    },
  },
  {
    name: 'brick-killed',
    what: 'one of three bricks is killed, and is back later',
    async run(scene) {
      await scene.undisturbed(async () => {
        const { volume } = scene.fleet;
        const brick = scene.random.oneOf(volume.bricks);
        scene.fault(`the brick ${brick.address} is killed`);
        await brick.kill();
        await scene.wait(5000, 20_000);
        await scene.recovers();
        await volume.startBricks();
      });
    },
  },
  {
    name: 'two-bricks-killed',
    what: 'two of three bricks are killed: nobody has storage; they are back later',
    async run(scene) {
      const { volume } = scene.fleet;
      const spared = scene.random.int(0, volume.bricks.length - 1);
      const killed = volume.bricks.filter((_, index) => index !== spared);
      scene.fault(`the bricks ${killed.map(({ address }) => address).join(' and ')} are killed`);
      await Promise.all(killed.map((brick) => brick.kill()));
      await scene.wait(3000, 25_000);
      await volume.startBricks();
      scene.note('the bricks are back');
      await scene.recovers();
    },
  },
  {
    name: 'disk-full-in-a-takeover',
    what: 'an instance is lost, and no byte is left where its profiles are to be copied to; there is room again later',
    async run(scene) {
      const { volume } = scene.fleet;
      const { instance } = await scene.victim();
      scene.fault(`kill -9 of supervisor, instance and browsers of ${instance.id}`);
      await instance.supervisor.killTree();
      await scene.wait(0, 9000);
      const left = scene.random.oneOf([0, 4096, 1_000_000]);
      scene.fault(`the storage is full but for ${left} bytes`);
      await Promise.all(volume.bricks.map((brick) => brick.fill(left)));
      await scene.wait(15_000, 25_000);
      await Promise.all(volume.bricks.map((brick) => brick.free()));
      scene.note('there is room again');
      await scene.leaves(instance);
      await scene.recovers();
    },
  },
  {
    name: 'storage-hangs',
    what: "the storage client of an instance's host stops: calls hang for as long as it does",
    async run(scene) {
      const { instance } = await scene.victim();
      scene.fault(`the storage client of ${instance.host.name} hangs`);
      await instance.mount.hang();
      await scene.leaves(instance);
      await scene.recovers();
      await instance.mount.resume();
      scene.note('it goes on');
      await scene.wait(3000, 8000);
      await scene.recovers();
    },
  },
  {
    name: 'storage-hangs-hard',
    what: 'an instance whose mount never gives up is cut off from the storage: its processes cannot be killed',
    shape: { hard: true },
    async run(scene) {
      const { world, volume } = scene.fleet;
      const { instance } = await scene.victim();
      scene.fault(`${instance.id} is cut off from its storage, and waits for it without end`);
      await world.network.cut(instance.host, volume.host);
      await scene.leaves(instance);
      await scene.recovers();
      await world.network.heal(instance.host, volume.host);
      scene.note('it reaches the storage again');
      await scene.wait(3000, 8000);
      await scene.recovers();
    },
  },
];
