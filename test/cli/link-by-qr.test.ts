import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { FakeInstance } from '../helpers/fake-instance.ts';
import { ADMIN_KEY, startFleet, type TestFleet } from '../helpers/router.ts';
import { runWharf, type TerminalOptions } from '../helpers/terminal.ts';

let fleet: TestFleet;
let instance: FakeInstance;
/** The code that is shown, or null for none. */
let shown: string | null;

beforeAll(async () => {
  fleet = await startFleet();
  instance = await fleet.addInstance('instance-1');
  instance.intercept = (request, response) => {
    if (!request.url?.includes('/qr')) return false;
    if (shown === null) refuse(response);
    else {
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.end(
        JSON.stringify({
          qr: shown,
          expires_at: '2026-11-22T01:00:20.000Z',
          image: 'data:image/png;base64,',
        }),
      );
    }
    return true;
  };
});
afterAll(() => fleet.close());
beforeEach(async () => {
  shown = 'code-1';
  await fleet.ask('POST', '/api/whatsapp/sessions', { body: { workspace_id: 7, session_id: 'sales' } });
  await instance.setStatus('7', 'sales', 'qr');
});

function refuse(response: ServerResponse): void {
  const problem = {
    type: 'x',
    title: 'x',
    status: 409,
    detail: 'no QR',
    code: 'not_awaiting_qr',
    request_id: 'r',
  };
  response.writeHead(409, { 'Content-Type': 'application/problem+json' });
  response.end(JSON.stringify(problem));
}

function qr(words: string[], options: TerminalOptions = {}) {
  return runWharf(['sessions', 'qr', 'sales', ...words], {
    ...options,
    env: { WHARF_URL: fleet.url, WHARF_API_KEY: ADMIN_KEY },
  });
}

/** The session is linked as soon as the second code was written. */
const linkAfterTwoCodes =
  (isFirst: (out: string) => boolean, isSecond: (out: string) => boolean) => (out: string) => {
    if (isSecond(out)) {
      shown = null;
      const session = instance.sessions.get('7/sales');
      if (session) session.phone_number = '491701234567';
      instance.setStatus('7', 'sales', 'ready');
    } else if (isFirst(out)) shown = 'code-2';
  };

it('draws the code anew when it rotates, and ends when the session is ready', async () => {
  const drawings = (out: string) => out.split('Scan it in WhatsApp').length - 1;
  const ran = await qr([], {
    onOut: linkAfterTwoCodes(
      (out) => drawings(out) === 1,
      (out) => drawings(out) === 2,
    ),
  });
  expect(ran.code).toBe(0);
  expect(drawings(ran.out)).toBe(2);
  expect(ran.out).toMatch(/Linked: sales of workspace 7 is ready as 491701234567\.\n$/);
});

it('draws over the code before where a person watches', async () => {
  const drawings = (out: string) => out.split('Scan it in WhatsApp').length - 1;
  const onOut = linkAfterTwoCodes(
    (out) => drawings(out) === 1,
    (out) => drawings(out) === 2,
  );
  const ran = await qr([], { answers: [], onOut });
  // CSI nA, CSI J: up n lines, and erase what is below.
  const control = String.fromCharCode(27);
  const [firstDrawing = '', moved = ''] = ran.out.split(`${control}[`);
  expect(moved).toBe(`${firstDrawing.split('\n').length - 1}A`);
});

it('prints a line of JSON for each code and the session at the end under --json', async () => {
  const onOut = linkAfterTwoCodes(
    (out) => out.includes('code-1'),
    (out) => out.includes('code-2'),
  );
  const ran = await qr(['--json'], { onOut });
  const lines = ran.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines.map((line) => line.qr ?? line.status)).toEqual(['code-1', 'code-2', 'ready']);
});

it.each([
  ['stopped', 'start'],
  ['failed', 'restart'],
  ['logged_out', 'start'],
] as const)('ends with 1 when the session is %s, and says how to go on', async (status, next) => {
  shown = null;
  await instance.setStatus('7', 'sales', status);
  const ran = await qr([]);
  expect(ran.code).toBe(1);
  expect(ran.err).toContain(`wharf sessions ${next} sales --workspace 7`);
});

it('stops at Ctrl-C', async () => {
  const controller = new AbortController();
  const ran = await qr([], { signal: controller.signal, onOut: () => controller.abort() });
  expect(ran.code).toBe(1);
  expect(ran.err).toContain('Stopped');
});
