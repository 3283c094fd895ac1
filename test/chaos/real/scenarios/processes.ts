import { signalOne } from '../../../helpers/processes.ts';
import type { Scenario } from '../scene.ts';

/** Processes that are killed, stopped and go on. */
export const PROCESS_SCENARIOS: readonly Scenario[] = [
  {
    name: 'instance-killed',
    what: "kill -9 of an instance's process: its supervisor starts it again in place",
    async run(scene) {
      const { instance } = await scene.victim();
      scene.fault(`kill -9 of the process of ${instance.id}`);
      const before = instance.pid;
      instance.killInstance();
      while (instance.pid === before) await scene.wait(100);
      await scene.recovers();
    },
  },
  {
    name: 'supervisor-killed',
    what: 'kill -9 of a supervisor: its instance ends itself; started again at once as systemd does, or taken over',
    async run(scene) {
      const { instance } = await scene.victim();
      scene.fault(`kill -9 of the supervisor of ${instance.id}`);
      await instance.supervisor.kill();
      if (scene.random.chance(0.5)) {
        await scene.wait(500, 3000);
        scene.note('its supervisor is started again');
        await instance.start();
        await instance.up();
      } else await scene.leaves(instance);
      await scene.recovers();
    },
  },
  {
    name: 'tree-killed',
    what: 'kill -9 of supervisor, instance and browsers at one moment: taken over',
    async run(scene) {
      const { instance } = await scene.victim();
      scene.fault(`kill -9 of supervisor, instance and browsers of ${instance.id}`);
      await instance.supervisor.killTree();
      await scene.leaves(instance);
      await scene.recovers();
    },
  },
  {
    name: 'host-lost',
    what: 'the power of an instance fails: silence, all processes gone, its storage client too; it is back after the takeover',
    async run(scene) {
      const { instance } = await scene.victim();
      scene.fault(`${instance.host.name} loses its power`);
      await scene.fleet.world.network.isolate(instance.host);
      await instance.host.killAll();
      await scene.leaves(instance);
      await scene.recovers();
    },
  },
  {
    name: 'host-cut-off',
    what: 'an instance is cut off from everybody and runs on, beyond the lease; then the cable is back',
    async run(scene) {
      const { instance } = await scene.victim();
      scene.fault(`${instance.host.name} is unplugged`);
      await scene.fleet.world.network.isolate(instance.host);
      await scene.waitBeyondTheLease();
      scene.note('its cable is back');
      await scene.fleet.world.network.rejoin(instance.host);
      await scene.recovers();
    },
  },
  {
    name: 'instance-stopped',
    what: "SIGSTOP of an instance's process beyond the lease, then SIGCONT",
    async run(scene) {
      const { instance } = await scene.victim();
      const { pid } = instance;
      scene.fault(`SIGSTOP of the process of ${instance.id}`);
      signalOne(pid, 'SIGSTOP');
      await scene.waitBeyondTheLease();
      signalOne(pid, 'SIGCONT');
      await scene.recovers();
    },
  },
  {
    name: 'supervisor-stopped',
    what: 'SIGSTOP of a supervisor beyond the lease, then SIGCONT',
    async run(scene) {
      const { instance } = await scene.victim();
      scene.fault(`SIGSTOP of the supervisor of ${instance.id}`);
      instance.supervisor.signal('SIGSTOP');
      await scene.waitBeyondTheLease();
      instance.supervisor.signal('SIGCONT');
      await scene.recovers();
    },
  },
  {
    name: 'tree-stopped',
    what: 'SIGSTOP of supervisor, instance and browsers beyond the lease, then SIGCONT at one moment',
    async run(scene) {
      const { instance } = await scene.victim();
      scene.fault(`SIGSTOP of supervisor, instance and browsers of ${instance.id}`);
      await instance.supervisor.signalTree('SIGSTOP');
      await scene.waitBeyondTheLease();
      scene.note('SIGCONT');
      await instance.supervisor.signalTree('SIGCONT');
      await scene.recovers();
    },
  },
  {
    name: 'host-stopped',
    what: 'everything on a host stops beyond the lease, its storage client too, and goes on: as a virtual machine that was paused',
    async run(scene) {
      const { instance } = await scene.victim();
      scene.fault(`SIGSTOP of everything on ${instance.host.name}`);
      await instance.host.signalAll('SIGSTOP');
      await scene.waitBeyondTheLease();
      scene.note('SIGCONT');
      await instance.host.signalAll('SIGCONT');
      await scene.recovers();
    },
  },
  {
    name: 'browsers-stopped',
    what: 'SIGSTOP of all browsers of an instance beyond the lease, then SIGCONT to those that are left',
    async run(scene) {
      const { instance } = await scene.victim();
      scene.fault(`SIGSTOP of the browsers of ${instance.id}`);
      const stopped = await instance.stopBrowsers();
      await scene.waitBeyondTheLease();
      for (const pid of stopped) signalOne(pid, 'SIGCONT');
      await scene.recovers();
    },
  },
  {
    name: 'all-but-browsers-stopped',
    what: 'SIGSTOP of supervisor and instance, not of the browsers: only the dead man’s timers are left; SIGCONT after the takeover',
    async run(scene) {
      const { instance } = await scene.victim();
      const { pid } = instance;
      scene.fault(`SIGSTOP of supervisor and process of ${instance.id}, not of its browsers`);
      instance.supervisor.signal('SIGSTOP');
      signalOne(pid, 'SIGSTOP');
      await scene.leaves(instance);
      await scene.recovers();
      scene.note('SIGCONT');
      signalOne(pid, 'SIGCONT');
      instance.supervisor.signal('SIGCONT');
      await scene.wait(3000, 8000);
      await scene.recovers();
    },
  },
  {
    name: 'all-instances-killed',
    what: 'all instances lose supervisor, process and browsers at one moment, and are started again',
    async run(scene) {
      const { instances } = scene.fleet;
      scene.fault('kill -9 of all supervisors, instances and browsers');
      await Promise.all(instances.map(({ supervisor }) => supervisor.killTree()));
      await scene.wait(0, 20_000);
      scene.note('all are started again');
      await Promise.all(instances.map((instance) => instance.start()));
      await Promise.all(instances.map((instance) => instance.up()));
      await scene.recovers();
    },
  },
  {
    name: 'clock-stepped',
    what: "an instance's wall clock is stepped by an hour, ahead or back, and back again",
    shape: { clocks: true },
    async run(scene) {
      await scene.undisturbed(async () => {
        const { instance } = await scene.victim();
        const seconds = scene.random.chance(0.5) ? 3600 : -3600;
        scene.fault(`the clock of ${instance.id} is stepped by ${seconds} s`);
        await instance.clock?.set(seconds);
        await scene.wait(8000, 20_000);
        await scene.recovers();
        scene.fault(`the clock of ${instance.id} is right again`);
        await instance.clock?.set(0);
        await scene.wait(3000, 8000);
        await scene.recovers();
      });
    },
  },
];
