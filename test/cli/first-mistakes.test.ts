import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeLocalFleet } from '../../cli/local-fleet/record.ts';
import { temporaryDirectory } from '../helpers/temp-dir.ts';
import { runWharf } from '../helpers/terminal.ts';

let server: Server;
let url: string;
/** What the server answers next. */
let answer: { status: number; type: string; body: string };

beforeAll(async () => {
  server = createServer((_request, response) => {
    response.writeHead(answer.status, { 'Content-Type': answer.type });
    response.end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

/** A port on which nothing listens. */
async function deadUrl(): Promise<string> {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  await new Promise((resolve) => other.close(resolve));
  return `http://127.0.0.1:${port}`;
}

describe('a command line that is not understood', () => {
  it('suggests the command that was meant, and ends with 2', async () => {
    const ran = await runWharf(['stauts']);
    expect(ran.code).toBe(2);
    expect(ran.err).toContain("unknown command 'stauts'");
    expect(ran.err).toContain('Did you mean status?');
  });

  it('suggests the subcommand that was meant', async () => {
    const ran = await runWharf(['sessions', 'lsit']);
    expect(ran.code).toBe(2);
    expect(ran.err).toContain('Did you mean list?');
  });

  it('ends with 2 without any word, and shows what there is', async () => {
    const ran = await runWharf([]);
    expect(ran.code).toBe(2);
    expect(ran.err).toContain('Usage: wharf');
  });

  it('names the argument that is missing', async () => {
    const ran = await runWharf(['sessions', 'send', 'sales']);
    expect(ran).toMatchObject({ code: 2, out: '' });
    expect(ran.err).toContain("missing required argument 'to'");
  });

  it('lists the statuses when one is unknown', async () => {
    const ran = await runWharf(['sessions', 'list', '--status', 'ok']);
    expect(ran.code).toBe(2);
    expect(ran.err).toContain('starting, qr, pairing');
  });

  it.each(['0', '-1', '1.5', 'many'])('refuses a limit of %s', async (limit) => {
    expect((await runWharf(['sessions', 'list', '-n', limit])).code).toBe(2);
  });

  it.each([
    [['backup', 'show'], "missing required argument 'backup'"],
    [['backup', 'show', '2026-11-22'], 'wharf backup list'],
    [['backup', 'export', 'latest'], "missing required argument 'session'"],
    [['backups', 'list'], 'Did you mean backup?'],
    [['restore', '--at', 'yesterday'], 'a time with its zone'],
    [['restore', '--at', '2026-11-22T09:00'], 'a time with its zone'],
    [['restore', '--undo', '1'], 'wharf restores'],
    [['restore', 'sales'], 'too many arguments'],
    [['restore', '--session', 'sales'], '--yes'],
    [['restore', '--everything'], "unknown option '--everything'"],
  ])('says before it asks anybody what is wrong with %j', async (words, said) => {
    const ran = await runWharf(words);
    expect([ran.code, ran.err]).toEqual([2, expect.stringContaining(said)]);
  });

  it('refuses a message without content before it asks anybody', async () => {
    const ran = await runWharf(['sessions', 'send', 'sales', '491701234567']);
    expect(ran.code).toBe(2);
    expect(ran.err).toContain('nothing to send');
  });
});

describe('help', () => {
  it('ends with 0', async () => {
    const ran = await runWharf(['--help']);
    expect(ran.code).toBe(0);
    expect(ran.out).toContain('Exit codes: 0 done, 1 failed, 2 wrong use.');
  });

  it.each([
    ['status'],
    ['doctor'],
    ['sessions', 'list'],
    ['sessions', 'create'],
    ['sessions', 'qr'],
    ['sessions', 'send'],
    ['sessions', 'start'],
    ['sessions', 'stop'],
    ['sessions', 'restart'],
    ['sessions', 'logout'],
    ['sessions', 'delete'],
    ['keys', 'create'],
    ['keys', 'list'],
    ['keys', 'revoke'],
  ])('shows an example of %s %s', async (...words) => {
    const ran = await runWharf([...words, '--help']);
    expect(ran.code).toBe(0);
    expect(ran.out).toMatch(/Examples?:\n {2}\$ /);
    expect(ran.out).toContain('--url <url>');
  });

  it('tells its version', async () => {
    expect(await runWharf(['--version'])).toMatchObject({ code: 0, out: '1.2.3\n', err: '' });
  });
});

describe('finding the router', () => {
  it('names the three ways when there is none', async () => {
    const data = await temporaryDirectory();
    const ran = await runWharf(['status', '--data', data]);
    expect(ran.code).toBe(1);
    expect(ran.err).toContain('npm start');
    expect(ran.err).toContain('WHARF_URL');
    expect(ran.err).toContain('--url URL --key KEY');
  });

  it('tells errors as JSON under --json, on standard error', async () => {
    const data = await temporaryDirectory();
    const ran = await runWharf(['status', '--json', '--data', data]);
    expect(ran.out).toBe('');
    expect(JSON.parse(ran.err).error.code).toBe('no_fleet');
  });

  it('says which fleet has ended when the local one does not answer', async () => {
    const data = await temporaryDirectory();
    const dead = await deadUrl();
    await writeLocalFleet(data, {
      url: dead,
      api_key: 'k',
      pid: 1,
      emulator: null,
      redis_url: null,
      session_path: null,
      instances: [],
    });
    const ran = await runWharf(['status', '--data', data]);
    expect(ran.code).toBe(1);
    expect(ran.err).toContain(`Nothing answers at ${dead} (ECONNREFUSED)`);
    expect(ran.err).toContain('npm start');
  });

  it("never sends the local fleet's key elsewhere", async () => {
    const data = await temporaryDirectory();
    await writeLocalFleet(data, {
      url: await deadUrl(),
      api_key: 'k',
      pid: 1,
      emulator: null,
      redis_url: null,
      session_path: null,
      instances: [],
    });
    const ran = await runWharf(['status', '--data', data, '--url', url]);
    expect(ran.code).toBe(1);
    expect(ran.err).toContain('(no_key)');
  });

  it('prefers the command line to the environment', async () => {
    const env = { WHARF_URL: url, WHARF_API_KEY: 'k' };
    const dead = await deadUrl();
    const ran = await runWharf(['status', '--url', dead], { env });
    expect(ran.err).toContain(dead);
  });

  it.each(['localhost:3000', 'ftp://host', '/tmp'])('refuses %s as an address, with 2', async (wrong) => {
    const ran = await runWharf(['status', '--url', wrong, '--key', 'k']);
    expect(ran.code).toBe(2);
    expect(ran.err).toContain('--url must be an http or https address');
  });
});

describe('what a router refuses', () => {
  it.each([
    ['session_not_found', 'wharf sessions list'],
    ['ambiguous_session', '--workspace'],
    ['webhook_not_found', 'wharf webhooks set'],
    ['backup_busy', 'wharf backup operations'],
    ['backup_damaged', 'wharf backup verify --all'],
    ['restore_refused', '--force'],
    ['unauthorized', 'WHARF_API_KEY'],
  ])('as %s is followed by what to do on the command line', async (code, what) => {
    const body = JSON.stringify({ detail: 'Ask otherwise.', code, request_id: 'r-1' });
    answer = { status: 404, type: 'application/problem+json', body };
    const ran = await runWharf(['status'], { env: { WHARF_URL: url, WHARF_API_KEY: 'k' } });
    expect(ran.code).toBe(1);
    expect(ran.err).toMatch(/^wharf: Ask otherwise\.\nOn the command line: /);
    expect(ran.err).toContain(what);
  });
});

describe('what answers is not a router', () => {
  const env = () => ({ WHARF_URL: url, WHARF_API_KEY: 'k' });

  it('says so of a page', async () => {
    answer = { status: 200, type: 'text/html', body: '<html>' };
    const ran = await runWharf(['status'], { env: env() });
    expect(ran.code).toBe(1);
    expect(ran.err).toContain(`Is ${url} (from WHARF_URL) the router`);
  });

  it('says so of an error page, with its status', async () => {
    answer = { status: 502, type: 'text/html', body: 'Bad Gateway' };
    const ran = await runWharf(['status'], { env: env() });
    expect(ran.err).toContain('answered 502');
    expect(ran.err).not.toContain('    at ');
  });
});
