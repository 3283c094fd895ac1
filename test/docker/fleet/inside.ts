import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { publish } from '../../bench/support/report.ts';
import { command } from '../../chaos/hosts/command.ts';
import { Emulator } from '../../nspawn/machines/emulator.ts';
import { makeNetwork } from '../../nspawn/machines/network.ts';
import { RouterApi } from '../../nspawn/machines/router-api.ts';
import { Results } from '../../nspawn/results.ts';
import { say } from '../../nspawn/say.ts';
import { ComposeFleet, WITH_HEALTH } from './compose.ts';
import { Engine } from './engine.ts';
import { filterForbidsTheSandbox, instanceRefuses, pagesAreInTheSandbox } from './sandbox.ts';
import { Sessions } from './sessions.ts';
import { backUp, bringUp, crash, kill, link, logs, type Scene, stop, upgrade } from './story.ts';

/** The first router's address in the compose file. */
const ROUTER = 'http://10.0.1.11:3000';

export interface InsideOptions {
  directory: string;
  /** The control group of the engine's containers. */
  group: string;
  /** Archives of the images. */
  archives: readonly string[];
  json: string | undefined;
}

/** Runs the compose file's fleet on a Docker engine in this process's own namespaces. Answers the exit code. */
export async function inside({ directory, group, archives, json }: InsideOptions): Promise<number> {
  // The engine's sockets and mounts go with the namespace.
  await command('mount', ['-t', 'tmpfs', 'tmpfs', '/run']);
  await makeNetwork();
  const store = join(directory, 'engine');
  for (const old of [store, join(directory, 'project')]) await rm(old, { recursive: true, force: true });
  await mkdir(store);
  const results = new Results();
  const emulator = await Emulator.start();
  try {
    const engine = await Engine.start(store, group);
    try {
      await run(engine, emulator, archives, directory, results);
      results.fact('engine', (await engine.docker('version', '--format', '{{.Server.Version}}')).trim());
    } finally {
      await engine.stop();
    }
  } catch (error) {
    results.rule(false, `the proof broke off: ${String(error)}`);
  } finally {
    await emulator.close();
  }
  await publish(
    {
      ...{ name: 'compose', title: "The compose file's fleet, on a Docker engine", runs: 1, versions: {} },
      figures: results.figures(),
      rows: results.rows(),
      details: results.details(),
    },
    { json, quick: false },
  );
  for (const line of results.broken) process.stdout.write(`BROKEN ${line}\n`);
  process.stdout.write(results.broken.length === 0 ? 'nothing was broken\n' : '');
  return results.broken.length === 0 ? 0 : 1;
}

async function run(
  engine: Engine,
  emulator: Emulator,
  archives: readonly string[],
  directory: string,
  results: Results,
): Promise<void> {
  for (const archive of archives) await engine.docker('load', '--quiet', '--input', archive);
  const fleet = await ComposeFleet.make(engine, join(directory, 'project'), emulator.settings);
  try {
    const api = new RouterApi(ROUTER, fleet.secrets.adminKey);
    const scene: Scene = { fleet, api, sessions: new Sessions(api, emulator), results };
    await bringUp(scene);
    await link(scene);
    await pagesAreInTheSandbox(fleet, results);
    await filterForbidsTheSandbox(fleet, results);
    for (const part of [backUp, kill, crash, upgrade]) await part(scene);
    for (const one of await scene.sessions.misfortunes()) results.rule(false, one);
    await stop(scene);
    await logs(scene);
    await fleet.compose('start', 'registry', 'queues');
    await instanceRefuses(fleet, results);
  } catch (error) {
    for (const service of WITH_HEALTH) say(`${service}:\n${await fleet.log(service)}`);
    throw error;
  } finally {
    await fleet.compose('down', '--volumes', '--timeout', '10').catch((error) => say(String(error)));
  }
}
