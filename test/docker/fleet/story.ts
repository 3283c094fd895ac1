import { command } from '../../chaos/hosts/command.ts';
import type { RouterApi } from '../../nspawn/machines/router-api.ts';
import type { Results } from '../../nspawn/results.ts';
import type { ComposeFleet } from './compose.ts';
import type { Sessions } from './sessions.ts';

/** What the parts of the proof speak with. */
export interface Scene {
  fleet: ComposeFleet;
  api: RouterApi;
  sessions: Sessions;
  results: Results;
}

/** The README's way to a fleet that runs: all services well, the page behind nginx, the `wharf` command in a router. */
export async function bringUp({ fleet, results }: Scene): Promise<void> {
  await results.timed('up', 'compose up: all services healthy', async () => {
    await fleet.compose('up', '--no-build', '--detach');
    await fleet.healthy();
  });
  for (const path of ['/ready', '/']) {
    const answered = await throughNginx(fleet, path);
    results.rule(answered === '200', `nginx answers ${answered} for ${path}`);
  }
  const status = await fleet.exec('router-1', ...wharf('status'));
  results.rule(
    status.includes('instance-1') && status.includes('instance-2'),
    `wharf status does not tell of both instances:\n${status}`,
  );
  const doctor = await fleet.engine.try('exec', await fleet.container('instance-1'), 'wharf', 'doctor');
  results.rule(doctor.code === 0, `the doctor finds in instance-1:\n${doctor.stdout}${doctor.stderr}`);
}

/** Sessions are linked, and send. */
export async function link({ fleet, sessions, results }: Scene): Promise<void> {
  await results.timed('link', 'two sessions linked, one after the other', async () => await sessions.link());
  none(results, 'not at home', await sessions.areOn());
  none(results, 'not sent', await sessions.send('at first'));
  results.rule((await fleet.log('nginx', 'all')).includes('GET / 200'), "nginx's lines do not reach Docker");
}

/** A backup of every session, on the volume; read again. */
export async function backUp({ fleet, results }: Scene): Promise<void> {
  const begun = performance.now();
  const told = await fleet.exec('router-1', ...wharf('backup run'));
  results.took('backup', 'a backup of both sessions', (performance.now() - begun) / 1000);
  const listed = await fleet.exec('router-1', ...wharf('backup list'));
  results.rule(/\b2\b/.test(listed), `the backup does not have both sessions:\n${told}\n${listed}`);
  await fleet.exec('router-1', ...wharf('backup verify --all'));
}

/** `docker kill` of an instance: its session comes up on the other one. Docker does not start it again; once started by hand it is well. */
export async function kill({ fleet, sessions, results }: Scene): Promise<void> {
  const at = Date.now();
  await fleet.engine.docker('kill', await fleet.container('instance-1'));
  await sessions.readySince(at, ['first']);
  results.took(
    'kill',
    'docker kill of an instance: its session ready on the other',
    (Date.now() - at) / 1000,
  );
  none(results, 'after docker kill', await sessions.areOn('instance-2'));
  none(results, 'not sent', await sessions.send('after a kill'));
  await fleet.compose('start', 'instance-1');
  await fleet.healthy(['instance-1']);
}

/** Process 1 of an instance's container is killed: Docker starts it again (`restart: always`), and its sessions come back somewhere. */
export async function crash({ fleet, sessions, results }: Scene): Promise<void> {
  const pid = Number(await fleet.about('instance-2', '{{.State.Pid}}'));
  const at = Date.now();
  process.kill(pid, 'SIGKILL');
  await sessions.readySince(at);
  results.took(
    'crash',
    'process 1 of an instance killed: both sessions ready again',
    (Date.now() - at) / 1000,
  );
  await fleet.healthy(['instance-2']);
  const restarts = await fleet.about('instance-2', '{{.RestartCount}}');
  results.rule(restarts === '1', `Docker has restarted the instance ${restarts} times`);
  none(results, 'not sent', await sessions.send('after a crash'));
}

/** The README's upgrade of an instance: drained, made anew, undrained. */
export async function upgrade({ fleet, sessions, results }: Scene): Promise<void> {
  const begun = performance.now();
  await fleet.exec('router-1', ...wharf('drain instance-1'));
  none(results, 'after a drain', await sessions.areOn('instance-2'));
  await fleet.compose('up', '--no-build', '--detach', '--force-recreate', '--no-deps', 'instance-1');
  await fleet.healthy(['instance-1']);
  await fleet.exec('router-1', ...wharf('undrain instance-1'));
  results.took('upgrade', 'drain, a new container, undrain', (performance.now() - begun) / 1000);
  none(results, 'not sent', await sessions.send('after an upgrade'));
}

/** Everything is stopped: browsers are closed in the time they have, no process ends by a fault. */
export async function stop({ fleet, results }: Scene): Promise<void> {
  await results.timed('stop', 'compose stop', async () => {
    await fleet.compose('stop');
  });
  for (const service of ['router-1', 'router-2', 'instance-1', 'instance-2', 'backup']) {
    const code = await fleet.about(service, '{{.State.ExitCode}}');
    results.rule(code === '0', `${service} ended with ${code}:\n${await fleet.log(service)}`);
  }
}

/** No secret is in a log. */
export async function logs({ fleet, results }: Scene): Promise<void> {
  const text = await fleet.compose('logs', '--no-color');
  for (const [name, secret] of Object.entries(fleet.secrets))
    results.rule(!text.includes(secret), `a log has the ${name}`);
  results.rule(text.includes('instance-1'), 'there are no logs');
}

/** Asks nginx on the host's port, as a client would; it may have to find out first that the routers are there. Answers the status. */
async function throughNginx(fleet: ComposeFleet, path: string): Promise<string> {
  return await command('curl', [
    ...['--silent', '--show-error', '--fail', '--retry', '10', '--retry-all-errors'],
    ...['--cacert', fleet.certificate, '--resolve', 'wharf.example:443:127.0.0.1'],
    ...['--write-out', '%{http_code}', '--output', '/dev/null', `https://wharf.example${path}`],
  ]);
}

/** A `wharf` command in a router's container, as the README has it. */
function wharf(words: string): string[] {
  return ['sh', '-c', `WHARF_URL=http://127.0.0.1:3000 WHARF_API_KEY=$WHARF_ADMIN_KEY wharf ${words}`];
}

function none(results: Results, what: string, found: readonly string[]): void {
  results.rule(found.length === 0, `${what}: ${found.join('; ')}`);
}
