import { spawn } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { readEnv } from '../../common/env.ts';
import { temporaryDirectory } from '../helpers/temp-dir.ts';

const SCRIPTS = new URL('../../infra/terraform/modules/machine/files/', import.meta.url).pathname;

/** A machine of AWS as its own scripts see it: metadata by token over real HTTP, the other programs as scripts that write down how they were called. */
export interface TerraformHost {
  etc: string;
  marks: string;
  /** What the metadata service knows. */
  metadata: Map<string, string>;
  /** What it was asked for, in order. */
  asked: string[];
  /** Makes a program, in sh; each call of it is written down first. */
  program(name: string, script: string): Promise<void>;
  /** Calls of programs so far, in order: name and arguments. */
  calls(): Promise<string[]>;
  /** Runs one of the scripts to its end. */
  run(name: string, args?: readonly string[]): Promise<{ code: number; out: string; err: string }>;
  /** Starts one of the scripts, which is killed with the test where it has not ended. */
  start(name: string): Promise<{ code: number; out: string; err: string }>;
}

/** Makes a machine with these settings, beside those that all have. */
export async function terraformHost(settings: Record<string, string>): Promise<TerraformHost> {
  const folder = await temporaryDirectory();
  const [bin, etc, log] = [join(folder, 'bin'), join(folder, 'etc'), join(folder, 'calls')];
  await mkdir(bin);
  await mkdir(etc);
  await mkdir(join(folder, 'sessions'));
  await writeFile(log, '');
  const all = {
    WHARF_NAME: 'wharf-test',
    WHARF_REGION: 'eu-central-1',
    WHARF_GROUP: 'wharf-test-instance-2',
    WHARF_SLOT: '2',
    WHARF_ROLE: 'instance',
    WHARF_INSTANCES: '3 4',
    WHARF_PARAMETER: '/wharf-test/instance',
    WHARF_DRAIN_SECONDS: '600',
    ...settings,
  };
  const lines = Object.entries(all).map(([key, value]) => `${key}="${value}"\n`);
  await writeFile(join(etc, 'aws.env'), lines.join(''));
  const metadata = new Map([
    ['instance-id', 'i-0123456789abcdef0'],
    ['local-ipv4', '10.40.128.7'],
  ]);
  const host: TerraformHost = {
    etc,
    marks: join(folder, 'marks'),
    metadata,
    asked: [],
    async program(name, script) {
      const text = `#!/bin/sh\necho "${name} $*" >>"${log}"\n${script}\n`;
      await writeFile(join(bin, name), text);
      await chmod(join(bin, name), 0o755);
    },
    async calls() {
      return (await readFile(log, 'utf8')).split('\n').filter((line) => line !== '');
    },
    run: (name, args = []) => runScript(name, args),
    start: (name) => runScript(name, []),
  };
  const env = {
    ...readEnv(),
    PATH: [bin, SCRIPTS, readEnv()['PATH']].join(delimiter),
    WHARF_ETC: etc,
    WHARF_MARKS: host.marks,
    WHARF_METADATA_URL: await serveMetadata(host),
    WHARF_PAUSE: '0.05',
    WHARF_BEAT: '0.05',
    WHARF_SHARE: folder,
    WHARF_DISK: folder,
    WHARF_GROUP_OF_SETTINGS: 'root',
  };

  function runScript(name: string, args: readonly string[]) {
    const child = spawn(join(SCRIPTS, name), args, {
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said = { out: '', err: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said.out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said.err += text;
    });
    const ended = new Promise<{ code: number; out: string; err: string }>((resolve) =>
      child.once('close', (code) => resolve({ code: code ?? -1, ...said })),
    );
    onTestFinished(async () => {
      if (child.exitCode === null && child.signalCode === null && child.pid)
        process.kill(-child.pid, 'SIGKILL');
      await ended;
    });
    return ended;
  }

  return host;
}

/** Version 2 of the service: nothing without a token. */
async function serveMetadata({ metadata, asked }: TerraformHost): Promise<string> {
  const server = createServer((request, response) => {
    const answer = (status: number, text: string) => response.writeHead(status).end(text);
    if (request.method === 'PUT' && request.url === '/latest/api/token') return answer(200, 'a-token');
    if (request.headers['x-aws-ec2-metadata-token'] !== 'a-token') return answer(401, '');
    const item = request.url?.replace('/latest/meta-data/', '') ?? '';
    asked.push(item);
    const value = metadata.get(item);
    return value === undefined ? answer(404, '') : answer(200, value);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => new Promise((resolve) => server.close(() => resolve())));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
