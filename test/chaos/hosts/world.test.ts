import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, readlink } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { eventually } from '../../helpers/eventually.ts';
import { isAlive } from '../../helpers/processes.ts';
import { describeHosts } from './describe-hosts.ts';
import type { Host } from './host.ts';
import type { HostProcess } from './host-process.ts';
import { World } from './world.ts';

/** Answers each line it gets over TCP with the same line, and outlives clients that are killed while it answers. */
const ECHO = `
const echo = (socket) => socket.on('error', () => {}).pipe(socket);
require('net').createServer(echo).listen(7000, () => console.log('{"port":7000}'));
`;

/** Sends a number a moment over one connection, and prints what was sent and what came back. */
const ASK = `
const socket = require('net').connect(7000, process.argv[1]);
let sent = 0;
let answered = 0;
setInterval(() => { socket.write(++sent + '\\n'); console.log(JSON.stringify({ sent, answered })); }, 20);
require('readline').createInterface(socket).on('line', (line) => { answered = Number(line); });
`;

/** Its hosts and their numbers, and a process that has a child: printed by a process that is then killed. */
const OTHER_TEST = `
const { World } = await import(process.argv[1]);
const world = await World.make({ one: 1, two: 1 });
const tree = await world.host('one').start('tree', 'sh', ['-c', 'sleep 1000 & sleep 1000']);
while ((await tree.tree()).length < 3) await new Promise((next) => setTimeout(next, 10));
// One that has left its parent, and its process group.
await world.host('two').run('sh', ['-c', 'setsid sleep 1000 >/dev/null 2>&1 &']);
const pids = (await Promise.all(world.hosts.map((host) => host.processes()))).flat().map(({ pid }) => pid);
console.log(JSON.stringify({ pids, guard: world.guardPid, directory: world.directory, address: world.network.ownAddress }));
`;

await describeHosts('hosts made of namespaces', () => {
  let world: World;
  let one: Host;
  let two: Host;
  let server: HostProcess;
  beforeAll(async () => {
    world = await World.make({ one: 1, two: 1, three: 2 });
    one = world.host('one');
    two = world.host('two');
    server = await two.start('echo', process.execPath, ['-e', ECHO]);
    await server.ready();
  });
  afterEach(() => world.network.healAll());
  afterAll(() => world.close());

  const ask = (from: Host, to: string) => from.start('ask', process.execPath, ['-e', ASK, to]);
  const state = (client: HostProcess) =>
    JSON.parse(client.lines.at(-1) ?? '{"sent":0,"answered":0}') as { sent: number; answered: number };
  const goesOn = (client: HostProcess) => {
    const { sent } = state(client);
    // What is answered now was asked just now: not only what had waited on the way.
    return eventually(() => state(client).answered > sent);
  };
  const fallsSilent = (client: HostProcess) =>
    eventually(() => state(client).sent > state(client).answered + 20);

  it('have names of their own, addresses, and processes that the test sees and signals by their numbers', async () => {
    const asking = await one.start('name', process.execPath, [
      '-e',
      'console.log(require("os").hostname(), process.pid)',
    ]);
    expect(await asking.line()).toBe(`one ${asking.pid}`);
    await asking.ended;
    expect(world.host('three').addresses).toHaveLength(2);

    expect((await two.processes()).map(({ pid }) => pid)).toEqual([server.pid]);
    expect(await one.processes()).toEqual([]);
  });

  it('drop what is sent one way, both ways, or by one that is unplugged, and go on with the same connection afterwards', async () => {
    const client = await ask(one, two.address);
    await goesOn(client);
    for (const cut of [
      () => world.network.cutOneWay(one, two),
      () => world.network.cutOneWay(two, one),
      () => world.network.cut(one, two),
      () => world.network.isolate(two),
    ]) {
      await cut();
      await fallsSilent(client);
      await world.network.healAll();
      await goesOn(client);
    }
    await client.kill();
  });

  it('leave others alone when two are cut off from each other', async () => {
    const client = await ask(world.host('three'), two.address);
    await world.network.cut(one, two);
    await goesOn(client);
    await client.kill();
  });

  it('stop, wake and kill a process with all below it', async () => {
    const tree = await one.start('tree', 'sh', ['-c', 'sleep 1000 & sleep 1000 & wait']);
    await eventually(async () => (await tree.tree()).length === 3);
    const stopped = await tree.signalTree('SIGSTOP');
    expect(stopped).toHaveLength(3);
    await eventually(async () => (await Promise.all(stopped.map(stateOf))).every((state) => state === 'T'));
    await tree.signalTree('SIGCONT');
    await eventually(async () => (await Promise.all(stopped.map(stateOf))).every((state) => state === 'S'));
    await tree.killTree();
    expect(await Promise.all(stopped.map(isAlive))).toEqual([false, false, false]);
  });

  it('find orphans too, and lose all of a host at one moment', async () => {
    const parent = await one.start('parent', 'sh', ['-c', 'setsid sleep 1000 & echo away']);
    await parent.ended;
    const [orphan, ...others] = await one.processes();
    expect(others).toEqual([]);
    await one.killAll();
    expect(await isAlive(orphan?.pid as number)).toBe(false);
  });

  it('are gone with all their processes, links and files when the process that made them is killed', async () => {
    const file = fileURLToPath(new URL('../../../dist/test/chaos/hosts/world.js', import.meta.url));
    const test = spawn(process.execPath, ['--input-type=module', '-e', OTHER_TEST, file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await once(createInterface(test.stdout), 'line');
    const made = JSON.parse(String(line)) as {
      pids: number[];
      guard: number;
      directory: string;
      address: string;
    };
    expect(made.pids).toHaveLength(4);
    expect(addresses()).toContain(made.address);
    test.kill('SIGKILL');
    await eventually(async () => !(await isAlive(made.guard)));
    expect(await Promise.all(made.pids.map(isAlive))).toEqual([false, false, false, false]);
    expect(existsSync(made.directory)).toBe(false);
    await eventually(() => !addresses().includes(made.address));
  });

  it('use no namespace of this machine', async () => {
    expect((await two.processes()).map(({ pid }) => pid)).toEqual([server.pid]);
    for (const kind of ['net', 'mnt', 'uts'])
      expect(await readlink(`/proc/${server.pid}/ns/${kind}`)).not.toBe(
        await readlink(`/proc/self/ns/${kind}`),
      );
  });
});

function addresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address));
}

async function stateOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
  return stat.charAt(stat.lastIndexOf(')') + 2);
}
