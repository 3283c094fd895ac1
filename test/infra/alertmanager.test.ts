import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { parse, stringify } from 'yaml';
import { eventually } from '../helpers/eventually.ts';
import { missingPrograms } from '../helpers/programs.ts';
import { freePort } from '../helpers/redis.ts';
import { temporaryDirectory } from '../helpers/temp-dir.ts';
import { RunningProgram } from './dashboards/running-program.ts';
import { PROMETHEUS } from './rules.ts';

const missing = missingPrograms(['prometheus-alertmanager']);
if (missing.length > 0) process.stderr.write('no test by Alertmanager: not installed\n');

/** Longer than anything here takes, also on a slow machine. */
const PATIENCE = 90_000;

const alert = (alertname: string, severity: string, words: Record<string, string> = {}) => ({
  labels: { alertname, severity, fleet: 'wharf', ...words },
  annotations: {
    summary: `${alertname} is on`,
    description: `${alertname} in words.`,
    runbook: 'docs/runbook.md#the-fleet-is-frozen',
  },
});

/** What takes the place of Slack, PagerDuty and the watchdog: all that they were told, by path. */
async function listener(): Promise<{ url: string; told: Map<string, string[]> }> {
  const told = new Map<string, string[]>();
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      const path = request.url ?? '';
      told.set(path, [...(told.get(path) ?? []), body]);
      response.writeHead(path === '/pagerduty' ? 202 : 200).end('ok');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, told };
}

/** The example as it is, its secrets and the addresses of others replaced, and in a hurry. */
async function configuration(folder: string, url: string): Promise<string> {
  const config = parse(await readFile(join(PROMETHEUS, 'alertmanager.yml'), 'utf8'));
  await mkdir(join(folder, 'secrets'));
  await writeFile(join(folder, 'secrets/slack-webhook-url'), `${url}/slack`);
  await writeFile(join(folder, 'secrets/pagerduty-routing-key'), 'key');
  for (const route of [config.route, ...config.route.routes]) route.group_wait = '1s';
  const text = stringify(config)
    .replaceAll('/etc/prometheus/secrets', join(folder, 'secrets'))
    .replace('https://watchdog.example.com/wharf', `${url}/watchdog`)
    .replace('routing_key_file:', `url: ${url}/pagerduty\n        routing_key_file:`);
  const file = join(folder, 'alertmanager.yml');
  await writeFile(file, text);
  return file;
}

/** Alertmanager with that configuration, and what it told. */
async function started() {
  const folder = await temporaryDirectory();
  const { url, told } = await listener();
  const at = `127.0.0.1:${await freePort()}`;
  const alertmanager = new RunningProgram('prometheus-alertmanager', [
    `--config.file=${await configuration(folder, url)}`,
    `--storage.path=${join(folder, 'data')}`,
    `--web.listen-address=${at}`,
    '--cluster.listen-address=',
  ]);
  onTestFinished(() => alertmanager.end());
  const ready = async () => {
    if (alertmanager.hasEnded) throw new Error(alertmanager.err);
    return (await fetch(`http://${at}/-/ready`).catch(() => undefined))?.ok;
  };
  await eventually(ready, PATIENCE);
  const send = async (...alerts: ReturnType<typeof alert>[]) => {
    const { status } = await fetch(`http://${at}/api/v2/alerts`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(alerts),
    });
    expect(status).toBe(200);
  };
  return { send, told, tellings: (path: string) => told.get(path) ?? [] };
}

it.skipIf(missing.length > 0)(
  'Alertmanager calls for what is critical, writes of the rest, and keeps quiet about what follows from it',
  async () => {
    const { send, told, tellings } = await started();
    await send(
      alert('WharfFrozen', 'critical'),
      // Since the fleet is frozen they wait: that is not to be told.
      alert('WharfWorkspacesWait', 'critical'),
      alert('WharfInstanceDown', 'warning', { wharf_instance: 'instance-1' }),
      alert('WharfTakeoverRunning', 'info'),
      alert('WharfWatchdog', 'none'),
    );
    await eventually(() => tellings('/watchdog').length >= 1 && tellings('/slack').length >= 2, PATIENCE);
    // When a later one was told, all before it have been, or never will be.
    await send(alert('WharfNoRouter', 'critical'));
    const isTold = (path: string) => tellings(path).some((text) => text.includes('WharfNoRouter'));
    await eventually(() => isTold('/slack') && isTold('/pagerduty'), PATIENCE);
    const slack = tellings('/slack').join('\n');
    expect(slack).toContain('WharfFrozen in words.');
    expect(slack).toContain('WharfInstanceDown is on');
    expect(slack).toContain('https://docs.example.com/wharf/docs/runbook.md#the-fleet-is-frozen');
    expect(tellings('/pagerduty').join('\n')).toContain('WharfFrozen is on');
    expect(tellings('/pagerduty').join('\n')).not.toContain('WharfInstanceDown');
    expect(tellings('/watchdog').join('\n')).toContain('WharfWatchdog');
    const all = [...told.values()].flat().join('\n');
    for (const quiet of ['WharfWorkspacesWait', 'WharfTakeoverRunning']) expect(all).not.toContain(quiet);
    expect(slack).not.toContain('WharfWatchdog');
  },
  2 * PATIENCE,
);

/** What is on, what of it follows from the rest and is not told, by what is described of each. */
const CAUSES: [string, { on: ReturnType<typeof alert>[]; quiet: string[] }][] = [
  [
    'the Redis of the queues',
    {
      on: [
        alert('RedisDown', 'critical', { holds: 'queues' }),
        alert('WharfMessagesNotAccepted', 'critical'),
        alert('WharfNoLeader', 'critical'),
        alert('WharfBackupServiceDown', 'critical'),
      ],
      quiet: ['WharfMessagesNotAccepted'],
    },
  ],
  [
    'the Redis of the ownership',
    {
      on: [
        alert('RedisDown', 'critical', { holds: 'ownership' }),
        alert('WharfNoLeader', 'critical'),
        alert('WharfMessagesNotAccepted', 'critical'),
      ],
      quiet: ['WharfNoLeader'],
    },
  ],
  [
    'the storage of one instance',
    {
      on: [
        alert('WharfStorageDown', 'critical', { wharf_instance: 'instance-1' }),
        alert('WharfStorageFails', 'critical', { wharf_instance: 'instance-1' }),
        alert('WharfSessionFailing', 'warning', { wharf_instance: 'instance-4' }),
        alert('WharfBackupFailed', 'warning'),
        alert('WharfNotClaimed', 'critical'),
      ],
      quiet: ['WharfStorageFails'],
    },
  ],
];

it.skipIf(missing.length > 0).each(CAUSES)(
  'of what %s takes with it Alertmanager keeps quiet, and of nothing else',
  async (_what, { on, quiet }) => {
    const { send, tellings } = await started();
    await send(...on);
    const names = on.map(({ labels }) => labels.alertname);
    const toldOf = () => {
      const slack = tellings('/slack').join('\n');
      return names.filter((name) => slack.includes(`${name} in words.`));
    };
    const loud = names.filter((name) => !quiet.includes(name));
    await eventually(() => loud.every((name) => toldOf().includes(name)), PATIENCE);
    // When a later one was told, all before it have been, or never will be.
    await send(alert('WharfVersionsDiffer', 'warning'));
    await eventually(() => tellings('/slack').some((text) => text.includes('WharfVersionsDiffer')), PATIENCE);
    expect(toldOf()).toEqual(loud);
  },
  2 * PATIENCE,
);
