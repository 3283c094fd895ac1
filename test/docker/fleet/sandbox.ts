import { readFile, readlink } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Results } from '../../nspawn/results.ts';
import { IMAGE } from '../images/make.ts';
import type { ComposeFleet } from './compose.ts';

/** How long an instance may take to say that it cannot run, milliseconds. */
const PATIENCE = 120_000;

/** Opens a page with the sandbox on, as an instance tries it at its start. */
const PAGE =
  '"$CHROMIUM_PATH" --headless --disable-gpu --disable-dev-shm-usage --user-data-dir=/tmp/p --dump-dom about:blank';

/** The rights an instance's container has in the compose file, but for the filter of system calls. */
const RIGHTS = ['--cap-drop', 'ALL', '--security-opt', 'no-new-privileges', '--read-only', '--tmpfs', '/tmp'];

/** Pages of instances are in Chromium's sandbox: user, process and network namespaces of their own, no capability, a filter of system calls. */
export async function pagesAreInTheSandbox(fleet: ComposeFleet, results: Results): Promise<void> {
  for (const service of ['instance-1', 'instance-2']) {
    const first = await fleet.about(service, '{{.State.Pid}}');
    const listed = await fleet.engine.docker('top', await fleet.container(service), '-eo', 'pid,args');
    const lines = listed.split('\n').filter((line) => line.includes('--type=renderer'));
    results.rule(lines.length > 0, `${service} has no pages:\n${listed}`);
    for (const line of lines) {
      const pid = /^\s*(\d+)/.exec(line)?.[1] ?? '';
      const text = await readFile(`/proc/${pid}/status`, 'utf8');
      const [user, network] = [await isApart(pid, first, 'user'), await isApart(pid, first, 'net')];
      results.rule(/^Uid:\t10001\t/m.test(text), `a page of ${service} does not run as the image's user`);
      results.rule(/^NoNewPrivs:\t1$/m.test(text), `a page of ${service} may gain privileges`);
      results.rule(/^CapEff:\t0+$/m.test(text), `a page of ${service} has capabilities`);
      results.rule(/^Seccomp:\t2$/m.test(text), `a page of ${service} runs without a filter of system calls`);
      results.rule(user && network, `a page of ${service} is not in Chromium's sandbox:\n${text}`);
    }
  }
}

/** What Docker's own filter of system calls makes of the sandbox: no page opens, and without that filter one does. */
export async function filterForbidsTheSandbox(fleet: ComposeFleet, results: Results): Promise<void> {
  const page = async (...more: string[]) =>
    await fleet.engine.try('run', '--rm', ...RIGHTS, ...more, IMAGE, 'sh', '-c', PAGE);
  const filtered = await page();
  const free = await page('--security-opt', 'seccomp=unconfined');
  results.rule(
    free.code === 0 && free.stdout.includes('<html>'),
    `no page without the filter: ${free.stderr}`,
  );
  results.fact(
    "a page in its sandbox, with Docker's seccomp profile and without",
    `${filtered.code === 0 ? 'opens' : 'refused'}; ${free.code === 0 ? 'opens' : 'refused'}`,
  );
}

/** An instance with Docker's filter, and the sandbox insisted on, does not run and says why. The service of its name is stopped. */
export async function instanceRefuses(fleet: ComposeFleet, results: Results): Promise<void> {
  const environment = JSON.parse(await fleet.about('instance-2', '{{json .Config.Env}}')) as string[];
  const id = await fleet.engine.docker(
    ...['run', '--detach', '--network', 'wharf_inside', '--hostname', 'instance-2', ...RIGHTS],
    ...['--volume', 'wharf_share:/mnt/wharf', ...environment.flatMap((line) => ['--env', line])],
    ...[IMAGE, 'instance'],
  );
  try {
    const end = performance.now() + PATIENCE;
    let log = '';
    while (!log.includes("Chromium's sandbox does not work on this host") && performance.now() < end) {
      await sleep(500);
      const { stdout, stderr } = await fleet.engine.try('logs', id.trim());
      log = `${stdout}${stderr}`;
    }
    results.rule(
      performance.now() < end,
      `an instance without a sandbox does not say so:\n${log.slice(-2000)}`,
    );
  } finally {
    await fleet.engine.docker('rm', '--force', '--volumes', id.trim());
  }
}

/** Whether a process is in another namespace than the first one of its container. */
async function isApart(pid: string, first: string, kind: 'user' | 'net'): Promise<boolean> {
  return (await readlink(`/proc/${pid}/ns/${kind}`)) !== (await readlink(`/proc/${first}/ns/${kind}`));
}
