import { chmod, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { readEnv } from '../../common/env.ts';
import { listNames } from '../../common/files.ts';
import { eventually } from '../helpers/eventually.ts';
import { finished, LocalFleetProcess } from '../helpers/local-fleet.ts';
import { type RunbookBlock, type RunbookSection, readRunbook } from '../helpers/runbook.ts';

/*
 * Every command of the runbook that is marked as one for a local fleet is run against one, in the order of the document, each section after
 * its trouble was made as far as that can be done on one machine.
 */

/** For one wait, and for a section: both only end what hangs. */
const PATIENCE = 120_000;
const SECTION_PATIENCE = 400_000;
/** What `npm test` runs; `npm run prove:runbook` runs all, some minutes. */
const IN_EVERY_RUN = [
  '',
  'an-instance-is-down',
  'sessions-ask-for-qr',
  'restore-one-tenant',
  'restore-everything',
];

const sections = await readRunbook();
const wharfProgram = fileURLToPath(new URL('../../bin/wharf.mjs', import.meta.url));

const sessionsSchema = z.object({
  sessions: z.array(
    z.object({ session_id: z.string(), status: z.string(), phone_number: z.string().nullable() }),
  ),
});
const fleetSchema = z.object({ instances: z.array(z.object({ status: z.string() })) });
const movesSchema = z.object({ moves: z.array(z.object({ state: z.string() })) });
const restoresSchema = z.object({ restores: z.array(z.object({ id: z.string() })) });
const keysSchema = z.object({ keys: z.array(z.object({ key_id: z.string(), workspace_id: z.unknown() })) });
const webhookSchema = z.object({ receiver: z.object({ state: z.string() }) });

let directory: string;
let fleet: LocalFleetProcess;
let receiver: Server;
/** What the receiver of workspace 7's webhook answers. */
let receiverStatus = 204;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'wharf-test-'));
  receiver = createServer((request, response) => {
    request.resume();
    response.writeHead(receiverStatus).end();
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  fleet = new LocalFleetProcess(join(directory, 'fleet'));
  await writeFile(
    join(directory, 'wharf'),
    `#!/bin/sh\nexec '${process.execPath}' '${wharfProgram}' --data '${fleet.data}' "$@"\n`,
  );
  await chmod(join(directory, 'wharf'), 0o755);
  await fleet.start();
  for (const [workspace, session] of [
    ['7', 'sales'],
    ['8', 'support'],
  ] as const) {
    await mustDo('sessions', 'create', workspace, session);
    await mustDo('phone', 'scan', session);
  }
  const { port } = receiver.address() as AddressInfo;
  await mustDo('webhooks', 'set', '7', `http://127.0.0.1:${port}/hook`);
  await mustDo('keys', 'create', '--workspace', '8', '--name', 'shop');
  await mustDo('backup', 'run');
}, SECTION_PATIENCE);

afterAll(async () => {
  await fleet.stop();
  await new Promise((resolve) => receiver.close(resolve));
  await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
});

async function mustDo(...words: string[]): Promise<void> {
  const { code, said } = await fleet.wharf(...words);
  expect(code, `wharf ${words.join(' ')}: ${said}`).toBe(0);
}

/** Waits until all instances are well, nothing moves, and the sessions are as they should be. */
async function calm(statuses: Record<string, string> = {}): Promise<void> {
  let seen: unknown;
  const isCalm = async () => {
    await pause(200);
    const instances = (await fleet.ask('/api/fleet', fleetSchema))?.instances ?? [];
    const moves = (await fleet.ask('/api/fleet/moves', movesSchema))?.moves ?? [{ state: 'not known' }];
    const sessions = (await fleet.ask('/api/whatsapp/sessions', sessionsSchema))?.sessions ?? [];
    seen = { instances, moves, sessions };
    return (
      instances.length === 2 &&
      instances.every(({ status }) => status === 'healthy') &&
      moves.every(({ state }) => state === 'done' || state === 'failed') &&
      sessions.length === 2 &&
      sessions.every(({ session_id, status }) => status === (statuses[session_id] ?? 'ready'))
    );
  };
  await eventually(isCalm, PATIENCE).catch(() => {
    throw new Error(`the fleet did not become calm: ${JSON.stringify(seen)}`);
  });
}

/** Makes the trouble that a section is about. */
const trouble: Record<string, () => Promise<void>> = {
  'an-instance-is-down': async () => {
    const { instances } = await fleet.record();
    process.kill(instances[1]?.pid ?? 0, 'SIGKILL');
  },
  'sessions-ask-for-qr': async () => {
    const listed = await fleet.ask('/api/whatsapp/sessions?workspace_id=7', sessionsSchema);
    await fleet.tellEmulator('/remove-device', { phone: listed?.sessions[0]?.phone_number });
    await calm({ sales: 'logged_out' });
  },
  'redis-is-away': async () => {
    const before = await fleet.processOf('redis');
    process.kill(before, 'SIGKILL');
    await eventually(async () => (await fleet.processOf('redis')) !== before, PATIENCE);
  },
  'backup-failed': async () => {
    const before = await fleet.processOf('backup');
    // One that is told to end gives its lease up; one that is killed would be missed for as long as its lease lasts.
    process.kill(before, 'SIGTERM');
    await eventually(async () => (await fleet.processOf('backup')) !== before, PATIENCE);
    await eventually(async () => (await fleet.wharf('backup', 'list')).code === 0, PATIENCE);
  },
  'restore-everything': async () => {
    const { session_path } = await fleet.record();
    for (const name of await listNames(session_path ?? ''))
      await rm(join(session_path ?? '', name), { recursive: true, force: true, maxRetries: 5 });
  },
  'webhooks-fail': async () => {
    receiverStatus = 410;
    await mustDo('sessions', 'send', 'sales', '491701234567', 'Hello', '--workspace', '7');
    await receiverIs('disabled');
    receiverStatus = 204;
  },
};

/** What must hold at a section's end beyond calm. */
const over: Record<string, () => Promise<void>> = {
  'sessions-ask-for-qr': async () => {
    await mustDo('phone', 'scan', 'sales', '--workspace', '7');
    await calm();
    // The keys in the backups before are dead: a restore would rightly refuse them.
    await mustDo('backup', 'run');
  },
  'webhooks-fail': () => receiverIs('delivering'),
};

async function receiverIs(state: string): Promise<void> {
  await eventually(
    async () =>
      (await fleet.ask('/api/whatsapp/workspaces/7/webhook', webhookSchema))?.receiver.state === state,
    PATIENCE,
  );
}

/** The document's example ids, replaced by such that there are. */
async function withRealIds(command: string): Promise<string> {
  if (command.includes('--undo')) {
    const listed = await fleet.ask('/api/restores', restoresSchema);
    return command.replace(/r-\d{8}T\d{6}Z-[0-9a-f]{6}/, listed?.restores[0]?.id ?? 'none');
  }
  if (command.includes('keys revoke')) {
    const listed = await fleet.ask('/api/fleet/keys', keysSchema);
    return command.replace(
      /[0-9a-f]{16}/,
      listed?.keys.find((key) => key.workspace_id === 7)?.key_id ?? 'none',
    );
  }
  return command;
}

async function runBlock(block: RunbookBlock): Promise<void> {
  const record = block.kind === 'stopped' ? undefined : await fleet.record();
  const env = {
    PATH: `${directory}:${process.env['PATH'] ?? ''}`,
    REDIS_URL: record?.redis_url?.replace('//:', '//default:') ?? '',
    WHATSAPP_SESSION_PATH: join(fleet.data, 'sessions'),
    NEW_SHARE: join(directory, 'new-share'),
  };
  for (const [index, command] of block.commands.entries()) {
    const line = await withRealIds(command);
    const { code, said } = await finished('bash', ['-o', 'pipefail', '-c', line], env);
    expect(code, `docs/runbook.md:${block.line + index}: ${line}\n${said}`).toBe(0);
  }
}

async function runStopped(block: RunbookBlock): Promise<void> {
  await fleet.stop();
  await runBlock(block);
  await rm(join(fleet.data, 'sessions'), { recursive: true });
  await rename(join(directory, 'new-share'), join(fleet.data, 'sessions'));
  await fleet.start();
}

const hasRsync = await finished('rsync', ['--version'], {}).then(
  () => true,
  () => false,
);
if (!hasRsync) process.stderr.write('the move to new storage is not run: there is no rsync\n');

/** Sections in the document's order, the preface first. */
const runnable = sections
  .filter(({ anchor }) => hasRsync || anchor !== 'move-to-new-storage')
  .filter(({ blocks }) => blocks.some(({ kind }) => kind === 'run'))
  .filter(({ anchor }) => readEnv()['WHARF_RUNBOOK'] === 'all' || IN_EVERY_RUN.includes(anchor));

describe('the commands of the runbook', () => {
  it.each(
    runnable.map((section): [string, RunbookSection] => [section.heading || 'before anything', section]),
  )(
    '%s',
    async (_, { anchor, blocks }) => {
      await trouble[anchor]?.();
      for (const [index, block] of blocks
        .filter(({ kind }) => kind === 'run' || kind === 'stopped')
        .entries()) {
        // The first look is taken in the midst of it; what is done then is done one thing after the other.
        if (index > 0 && anchor !== 'sessions-ask-for-qr' && anchor !== 'restore-everything') await calm();
        await (block.kind === 'stopped' ? runStopped(block) : runBlock(block));
      }
      await over[anchor]?.();
      await calm();
    },
    SECTION_PATIENCE,
  );
});
