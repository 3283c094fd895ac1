import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { readEnv } from '../../common/env.ts';
import { freePort } from './redis.ts';

/** A real S3 of a test's own: Ceph's radosgw, with everything in memory. */
export interface S3Server {
  /** `http://127.0.0.1:PORT` */
  endpoint: string;
  region: string;
  credentials: { accessKeyId: string; secretAccessKey: string };
  /** A client of it. The caller destroys it. */
  client(): S3Client;
  /** Makes a bucket. */
  createBucket(name: string): Promise<void>;
  /** Stops the gateway where it is (SIGSTOP), as a hang would. */
  pause(): void;
  resume(): void;
  /** Ends it and removes its directory. */
  close(): Promise<void>;
}

/** Programs it is made of, and the Debian package of each; `scripts/setup/test-parts.mjs` installs them. */
const PROGRAMS = {
  'ceph-mon': 'ceph-mon',
  'ceph-osd': 'ceph-osd',
  radosgw: 'radosgw',
  'radosgw-admin': 'radosgw',
  ceph: 'ceph-common',
  monmaptool: 'ceph-common',
};

const REGION = 'us-east-1';
const CREDENTIALS = { accessKeyId: 'test-access-key', secretAccessKey: 'test-secret-key' };

/** Milliseconds for the gateway to answer. */
const START_TIMEOUT = 60_000;

const run = promisify(execFile);

/** Why there can be no radosgw on this machine, for people, or undefined where there can. Tests that need one are skipped then, and print this. */
export function whyNoRadosgw(): string | undefined {
  const missing = Object.entries(PROGRAMS).filter(([program]) => !isInPath(program));
  if (missing.length === 0) return undefined;
  const packages = [...new Set(missing.map(([, name]) => name))];
  return `missing: ${missing.map(([program]) => program).join(', ')} (apt-get install --no-install-recommends ${packages.join(' ')})`;
}

/**
 * Starts a cluster of one monitor, one disk in memory and one gateway, on free ports of the loopback: about two seconds, 130 MB. No root, no
 * manager, no keys between its parts.
 *
 * @param settings more lines of ceph.conf, such as `rgw lc debug interval = 1` (a day of a lifecycle rule is a second)
 * @throws Error with what its parts said when it does not start
 */
export async function startRadosgw(settings: string[] = []): Promise<S3Server> {
  let lastError: unknown;
  // Another process may take a port that was found: then others are tried.
  for (let attempt = 0; attempt < 3; attempt++) {
    const cluster = new Cluster(await mkdtemp(join(tmpdir(), 'wharf-radosgw-')));
    try {
      return await cluster.start(settings);
    } catch (error) {
      lastError = error;
      await cluster.close();
    }
  }
  throw lastError;
}

class Cluster {
  readonly #directory: string;
  readonly #processes: ChildProcess[] = [];

  constructor(directory: string) {
    this.#directory = directory;
  }

  async start(settings: string[]): Promise<S3Server> {
    const monitor = await freePort();
    const port = await freePort();
    const fsid = randomUUID();
    await writeFile(this.#path('ceph.conf'), configuration(this.#directory, fsid, monitor, port, settings));
    await mkdir(this.#path('mon'));
    await mkdir(this.#path('osd'));
    const address = `v1:127.0.0.1:${monitor}`;
    await this.#run('monmaptool', '--create', '--addv', 'a', address, '--fsid', fsid, this.#path('monmap'));
    await this.#run('ceph-mon', '--mkfs', '-i', 'a', '--monmap', this.#path('monmap'));
    this.#spawn('ceph-mon', '-i', 'a', '-f');
    const osd = randomUUID();
    await this.#run('ceph', '--connect-timeout', '30', 'osd', 'new', osd);
    await this.#run('ceph-osd', '-i', '0', '--mkfs', '--osd-uuid', osd, '--no-mon-config');
    this.#spawn('ceph-osd', '-i', '0', '-f');
    const gateway = this.#spawn('radosgw', '-n', 'client.rgw', '-f');
    const endpoint = `http://127.0.0.1:${port}`;
    await this.#answering(endpoint, gateway);
    const { accessKeyId, secretAccessKey } = CREDENTIALS;
    await this.#run(
      ...(['radosgw-admin', '-n', 'client.admin', 'user', 'create', '--uid', 'test'] as const),
      ...['--display-name', 'Test', '--access-key', accessKeyId, '--secret-key', secretAccessKey],
    );
    return this.#server(endpoint, gateway);
  }

  async close(): Promise<void> {
    for (const child of this.#processes.reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    }
    await rm(this.#directory, { recursive: true, force: true });
  }

  #server(endpoint: string, gateway: ChildProcess): S3Server {
    const client = () =>
      new S3Client({
        endpoint,
        region: REGION,
        forcePathStyle: true,
        credentials: CREDENTIALS,
        requestChecksumCalculation: 'WHEN_REQUIRED',
        responseChecksumValidation: 'WHEN_REQUIRED',
      });
    return {
      endpoint,
      region: REGION,
      credentials: CREDENTIALS,
      client,
      createBucket: async (name) => {
        const mine = client();
        await mine.send(new CreateBucketCommand({ Bucket: name }));
        mine.destroy();
      },
      pause: () => gateway.kill('SIGSTOP'),
      resume: () => gateway.kill('SIGCONT'),
      close: () => this.close(),
    };
  }

  async #answering(endpoint: string, gateway: ChildProcess): Promise<void> {
    const end = performance.now() + START_TIMEOUT;
    for (;;) {
      const answers = await fetch(endpoint).then(
        async (answer) => (await answer.text()).includes('ListAllMyBucketsResult'),
        () => false,
      );
      if (answers) return;
      const ended = this.#processes.find((child) => child.exitCode !== null || child.signalCode !== null);
      if (ended || performance.now() > end) {
        throw new Error(
          `radosgw does not answer: ${ended?.spawnfile ?? gateway.spawnfile}: ${await this.#said()}`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  #path(name: string): string {
    return join(this.#directory, name);
  }

  async #run(program: string, ...args: string[]): Promise<void> {
    await run(program, ['-c', this.#path('ceph.conf'), ...args], { timeout: START_TIMEOUT });
  }

  #spawn(program: string, ...args: string[]): ChildProcess {
    const child = spawn(program, ['-c', this.#path('ceph.conf'), ...args], { stdio: 'ignore' });
    child.on('error', () => {});
    this.#processes.push(child);
    return child;
  }

  async #said(): Promise<string> {
    const logs = await Promise.all(
      ['mon.a', 'osd.0', 'client.rgw'].map((name) =>
        readFile(this.#path(`${name}.log`), 'utf8').catch(() => ''),
      ),
    );
    return logs.map((log) => log.slice(-800)).join('\n');
  }
}

/**
 * `paxos propose interval`: the monitor waits a second before each change of its map, and the gateway's start makes a dozen; that alone was 11 of
 * 12 seconds.
 */
function configuration(directory: string, fsid: string, monitor: number, port: number, settings: string[]) {
  return `[global]
fsid = ${fsid}
mon host = v1:127.0.0.1:${monitor}
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
keyring = ${directory}/keyring
mon data = ${directory}/mon
osd data = ${directory}/osd
run dir = ${directory}
admin socket =
pid file =
log file = ${directory}/$name.log
log to stderr = false
mon cluster log file = /dev/null
paxos propose interval = 0.05
paxos min wait = 0.02
mon allow pool size one = true
mon max pg per osd = 1000
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
osd objectstore = memstore
memstore device bytes = 1073741824
osd class load list = *
osd class default list = *
rgw frontends = beast endpoint=127.0.0.1:${port}
rgw thread pool size = 16
rgw lifecycle work time = 00:00-24:00
${settings.join('\n')}
`;
}

function isInPath(program: string): boolean {
  return (readEnv()['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
