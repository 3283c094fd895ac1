import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { processIdentity } from '../../cli/local-fleet/process-identity.ts';
import { readLocalFleet } from '../../cli/local-fleet/record.ts';
import { readEnv } from '../../common/env.ts';
import { eventually } from '../helpers/eventually.ts';
import { temporaryDirectory } from '../helpers/temp-dir.ts';

const main = fileURLToPath(new URL('../../dist/cli/local-fleet/main.js', import.meta.url));
const command = fileURLToPath(new URL('../../bin/wharf.mjs', import.meta.url));

const readySchema = z.strictObject({
  url: z.url(),
  api_key: z.string(),
  emulator: z.url().nullable(),
  instances: z.array(z.strictObject({ id: z.string(), pid: z.number(), url: z.url() })),
  data: z.string(),
});
const messagesSchema = z.object({
  messages: z.array(z.object({ text: z.string().nullable(), from_me: z.boolean() })),
});

describe('npm start', () => {
  let data: string;
  const children: ChildProcessByStdio<null, Readable, Readable>[] = [];
  beforeEach(async () => {
    data = await temporaryDirectory();
  });
  afterEach(async () => {
    for (const child of children.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGINT');
      await once(child, 'exit');
    }
  });

  const start = (...args: string[]) => {
    const child = spawn(process.execPath, [main, '--data', data, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: readEnv(),
    });
    children.push(child);
    const output = { out: '', err: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output.out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output.err += text;
    });
    const ended = once(child, 'close').then(([code]) => code as number);
    return { child, output, ended };
  };

  /** Starts a fleet on free ports, and waits for its one line. */
  const startReady = async (...args: string[]) => {
    const fleet = start('--port', '0', '--json', ...args);
    await eventually(() => fleet.output.out.includes('\n') || fleet.child.exitCode !== null, 120_000);
    expect(fleet.output.out, fleet.output.err).toMatch(/^\{.*\}\n$/);
    return { ...fleet, ready: readySchema.parse(JSON.parse(fleet.output.out)) };
  };

  /** Runs the wharf command against the fleet; its exit code and all it wrote. */
  const wharf = async (...words: string[]) => {
    const child = spawn(process.execPath, [command, '--data', data, ...words], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: readEnv(),
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
    }
    const [code] = await once(child, 'close');
    return { code: code as number, said };
  };

  /** The processes of the fleet that are not there (any more). */
  const processes = async () => {
    const list = z.array(z.object({ name: z.string(), pid: z.number() }));
    return list.parse(JSON.parse(await readFile(join(data, 'processes.json'), 'utf8')));
  };
  const livingOf = async (pids: number[]) => {
    const identities = await Promise.all(pids.map(processIdentity));
    return pids.filter((_, index) => identities[index] !== null);
  };

  it('lets a newcomer link, send and receive, brings a killed instance back without a QR, and leaves no process', async () => {
    const { ready, child, output, ended } = await startReady();
    expect(ready.instances.map((instance) => instance.id)).toEqual(['instance-1', 'instance-2']);
    expect(ready.data).toBe(data);
    for (const words of [
      ['sessions', 'create', '1', 'first'],
      ['phone', 'scan', 'first', '--phone', '491700000001'],
      ['sessions', 'send', 'first', '491701234567', 'Hello'],
      ['phone', 'deliver', 'first', '491701234567', 'Hello to you'],
    ]) {
      const { code, said } = await wharf(...words);
      expect(code, `${words.join(' ')}: ${said}\n${output.err}`).toBe(0);
    }
    const textsReceived = async () => {
      const url = `${ready.url}/api/whatsapp/sessions/first/chats/491701234567@c.us/messages`;
      const response = await fetch(url, { headers: { 'x-api-key': ready.api_key } });
      if (!response.ok) return [];
      const { messages } = messagesSchema.parse(await response.json());
      return messages.filter((message) => !message.from_me).map((message) => message.text);
    };
    await eventually(async () => (await textsReceived()).includes('Hello to you'));

    const before = ready.instances[1];
    process.kill(before?.pid ?? 0, 'SIGKILL');
    const again = await eventually(async () => {
      const now = (await readLocalFleet(data))?.instances.find((instance) => instance.id === 'instance-2');
      return now !== undefined && now.pid !== before?.pid ? now : undefined;
    });
    expect(again.url).toBe(before?.url);
    await eventually(
      async () => (await wharf('sessions', 'send', 'first', '491701234567', 'Hello again')).code === 0,
      60_000,
    );

    const running = (await processes()).map((one) => one.pid);
    // Redis, the emulator, the router, the backup service, and two instances with their supervisors.
    expect(await livingOf(running)).toHaveLength(8);
    child.kill('SIGINT');
    expect(await ended).toBe(0);
    expect(await livingOf(running)).toEqual([]);
    expect(await readLocalFleet(data)).toBeNull();
    expect(await readdir(data)).not.toContain('local-fleet.lock');
  });

  it('backs its sessions up beside them, and brings one back as it was', async () => {
    const { output } = await startReady('--instances', '1');
    for (const words of [
      ['sessions', 'create', '7', 'sales'],
      ['phone', 'scan', 'sales'],
      ['backup', 'run'],
      ['backup', 'verify'],
    ]) {
      const { code, said } = await wharf(...words);
      expect(code, `${words.join(' ')}: ${said}\n${output.err}`).toBe(0);
    }
    expect((await readdir(join(data, 'backups'))).sort()).toContain('manifests');
    const listed = await wharf('backup', 'list');
    expect(listed.said).toMatch(/^\d{8}T\d{6}Z .* 1 .* complete /m);

    const restored = await wharf('restore', '--session', 'sales', '--yes');
    expect(restored.code, `${restored.said}\n${output.err}`).toBe(0);
    const [, id = ''] = /wharf restore --undo (r-\S+)/.exec(restored.said) ?? [];
    await eventually(
      async () => (await wharf('sessions', 'send', 'sales', '491701234567', 'As before')).code === 0,
      60_000,
    );
    const undone = await wharf('restore', '--undo', id, '--yes');
    expect(undone.code, undone.said).toBe(0);
    await eventually(
      async () => (await wharf('sessions', 'send', 'sales', '491701234567', 'And again')).code === 0,
      60_000,
    );
  });

  it('has all it started end when it is killed itself, and starts again at once with its sessions linked', async () => {
    const first = await startReady('--instances', '1');
    expect((await wharf('sessions', 'create', '7', 'sales')).code).toBe(0);
    expect((await wharf('phone', 'scan', 'sales')).code).toBe(0);
    const running = (await processes()).map((one) => one.pid);
    first.child.kill('SIGKILL');
    await first.ended;
    const second = await startReady('--instances', '1');
    expect(await livingOf(running)).toEqual([]);
    expect(second.ready.api_key).toBe(first.ready.api_key);
    await eventually(
      async () => (await wharf('sessions', 'send', 'sales', '491701234567', 'Still here')).code === 0,
      60_000,
    );
  });

  it('answers again at the same address, with the same sessions, after its router was killed', async () => {
    const { ready } = await startReady('--instances', '1');
    expect((await wharf('sessions', 'create', '7', 'sales')).code).toBe(0);
    expect((await wharf('phone', 'scan', 'sales')).code).toBe(0);
    const router = (await processes()).find((one) => one.name === 'router');
    const instance = ready.instances[0];
    process.kill(router?.pid ?? 0, 'SIGKILL');
    // A router that is not there refuses at once, and one that is answers within its hold: silence is a fault.
    const shown = async () => {
      const response = await fetch(`${ready.url}/api/whatsapp/sessions/sales`, {
        headers: { 'x-api-key': ready.api_key },
        signal: AbortSignal.timeout(30_000),
      }).catch((error: Error) => {
        if (error.name === 'TimeoutError') throw error;
        return undefined;
      });
      return response?.ok ? await response.json() : undefined;
    };
    expect(await eventually(shown, 60_000)).toMatchObject({ status: 'ready', epoch: 1, reconnects: 0 });
    await eventually(async () => {
      const now = (await processes()).find((one) => one.name === 'router');
      return now !== undefined && now.pid !== router?.pid;
    });
    expect(await livingOf([instance?.pid ?? 0])).toEqual([instance?.pid]);
    expect((await wharf('sessions', 'send', 'sales', '491701234567', 'Still here')).code).toBe(0);
  });

  it('runs once for a data directory: the second start says which process has it', async () => {
    const first = await startReady('--instances', '1');
    const second = start('--port', '0');
    expect(await second.ended).toBe(1);
    expect(second.output.err).toContain(`A fleet runs from ${data} already: process ${first.child.pid}.`);
    expect(second.output.out).toBe('');
    expect((await wharf('status')).code).toBe(0);
  });

  it('says so, and names --port, when the port of the router is taken', async () => {
    const server = createServer();
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => {
        const address = server.address();
        resolve(address !== null && typeof address === 'object' ? address.port : 0);
      });
    });
    const fleet = start('--port', String(port));
    expect(await fleet.ended).toBe(1);
    expect(fleet.output.err).toContain(
      `Port ${port} is taken by another process. Choose another for the router: npm start -- --port`,
    );
    server.close();
  });

  it('ends in order when it is stopped while it is starting', async () => {
    const fleet = start('--port', '0', '--instances', '1');
    await eventually(() => fleet.output.err.includes('redis ready'), 60_000);
    fleet.child.kill('SIGINT');
    expect(await fleet.ended).toBe(0);
    expect(await livingOf((await processes()).map((one) => one.pid))).toEqual([]);
  });

  it('exits with 2 and shows the options when it is used wrongly, and with 0 for help', async () => {
    const wrong = start('--prot', '3000');
    expect(await wrong.ended).toBe(2);
    expect(wrong.output.err).toMatch(/Unknown option '--prot'[\s\S]*--instances N/);
    const help = start('--help');
    expect(await help.ended).toBe(0);
    expect(help.output.out).toMatch(/^Usage: npm start/);
  });
});
