import { eventually } from '../../../helpers/eventually.ts';
import type { InstanceHost } from '../instance-host.ts';
import type { Scenario, Scene } from '../scene.ts';

/** Routers that are lost while they are needed. */
export const ROUTER_SCENARIOS: readonly Scenario[] = [
  {
    name: 'leader-killed-in-a-takeover',
    what: 'an instance is lost, and the router that leads is killed at the moment at which it judges it as dead and gives its workspaces away',
    async run(scene) {
      const { instance } = await loseOne(scene);
      await judgedDead(scene, instance);
      await killLeader(scene);
      await scene.leaves(instance);
      await scene.recovers();
    },
  },
  {
    name: 'leaders-killed-between-steps',
    what: 'an instance is lost; whoever leads is killed at any moment until its sessions run elsewhere, three times, and started again',
    async run(scene) {
      const { instance } = await loseOne(scene);
      for (let time = 0; time < 3; time += 1) {
        await scene.wait(1000, 12_000);
        const router = await killLeader(scene);
        await scene.wait(500, 3000);
        await router.start();
      }
      await scene.leaves(instance);
      await scene.recovers();
    },
  },
  {
    name: 'leader-stopped',
    what: 'the router that leads is stopped for longer than its lease while an instance is lost, and goes on as if it led',
    async run(scene) {
      const { instance } = await loseOne(scene);
      await scene.wait(0, 12_000);
      const leader = await scene.fleet.leader();
      scene.fault(`SIGSTOP of ${leader.id}, which leads`);
      leader.process.signal('SIGSTOP');
      await scene.waitBeyondTheLease();
      leader.process.signal('SIGCONT');
      scene.note('it goes on');
      await scene.leaves(instance);
      await scene.recovers();
    },
  },
  {
    name: 'leader-cut-off-from-redis',
    what: 'the router that leads is cut off from Redis while an instance is lost',
    async run(scene) {
      const { world, redis } = scene.fleet;
      const leader = await scene.fleet.leader();
      scene.fault(`${leader.id}, which leads, is cut off from Redis`);
      await world.network.cut(leader.host, redis.first.host);
      const { instance } = await loseOne(scene);
      await scene.wait(30_000, 40_000);
      await world.network.heal(leader.host, redis.first.host);
      await scene.leaves(instance);
      await scene.recovers();
    },
  },
  {
    name: 'all-routers-killed',
    what: 'both routers are killed, an instance is lost, and the routers are started again',
    async run(scene) {
      const { routers } = scene.fleet;
      const { instance } = await scene.victim();
      scene.fault('kill -9 of both routers');
      await Promise.all(routers.map(({ process }) => process.kill()));
      scene.fault(`kill -9 of supervisor, instance and browsers of ${instance.id}`);
      await instance.supervisor.killTree();
      await scene.wait(0, 20_000);
      await Promise.all(routers.map((router) => router.start()));
      scene.note('the routers are there again');
      await scene.leaves(instance);
      await scene.recovers();
    },
  },
];

async function loseOne(scene: Scene): Promise<{ instance: InstanceHost }> {
  const { instance } = await scene.victim();
  scene.fault(`kill -9 of supervisor, instance and browsers of ${instance.id}`);
  await instance.supervisor.killTree();
  return { instance };
}

/**
 * Waits until the instance is judged as dead: the router that leads assigns its workspaces in the same moment. Another router, which looks at Redis
 * every half second, may see it only when all is given away; then it has no verdict on it any more.
 */
async function judgedDead(scene: Scene, lost: InstanceHost): Promise<void> {
  await eventually(async () => {
    const view = await scene.fleet.view().catch(() => undefined);
    if (view === undefined) return false;
    const verdict = view.instances.find(({ id }) => id === lost.id)?.verdict;
    return verdict === 'dead' || verdict === undefined;
  }, 60_000);
}

async function killLeader(scene: Scene) {
  const leader = await scene.fleet.leader();
  scene.fault(`kill -9 of ${leader.id}, which leads`);
  await leader.process.kill();
  return leader;
}
