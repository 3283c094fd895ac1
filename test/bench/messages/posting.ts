import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { BenchSession } from './accepting-fleet.ts';

/** The text of every message, as long as many are. */
export const TEXT = `Your order 4711 has left our warehouse and will be with you tomorrow between nine and twelve o'clock. ${'.'.repeat(20)}`;

/** Messages in one bulk request, and as many in one call of addBulk. */
export const BULK = 1000;

/** What a round of posting found. */
export interface Posted {
  requests: number;
  requestsPerSecond: number;
  p50Milliseconds: number;
  p99Milliseconds: number;
}

/**
 * Posts as fast as answers come, from one thread of wrk, the requests in turn.
 *
 * @param script what {@link writeScripts} wrote
 * @throws Error when wrk is not there, or any answer was no success
 */
export async function post(
  url: string,
  script: string,
  connections: number,
  seconds: number,
): Promise<Posted> {
  const args = [
    '-t1',
    `-c${connections}`,
    `-d${seconds}s`,
    '--timeout',
    '20s',
    '--latency',
    '-s',
    script,
    url,
  ];
  const { stdout } = await promisify(execFile)('wrk', args);
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`not all requests were answered:\n${stdout}`);
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1]);
  const rate = Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]);
  if (!(rate > 0)) throw new Error(`wrk said something else than expected:\n${stdout}`);
  return {
    requests,
    requestsPerSecond: rate,
    p50Milliseconds: percentile(stdout, 50),
    p99Milliseconds: percentile(stdout, 99),
  };
}

function percentile(stdout: string, share: number): number {
  const [, number, unit] = new RegExp(`${share}%\\s+([\\d.]+)(us|ms|s)`).exec(stdout) ?? [];
  return Number(number) * (unit === 'us' ? 0.001 : unit === 's' ? 1000 : 1);
}

/** Paths of the scripts for wrk. */
export interface Scripts {
  /** One message a request. */
  single: string;
  /** The same, each with an Idempotency-Key of its own. */
  withKey: string;
  /** {@link BULK} messages a request, over all sessions. */
  bulk: string;
}

/** Writes what wrk is to post; each message goes to the next session. */
export async function writeScripts(
  directory: string,
  sessions: readonly BenchSession[],
  headers: Readonly<Record<string, string>>,
): Promise<Scripts> {
  const head = Object.entries(headers)
    .map(([name, value]) => `wrk.headers[${quoted(name)}] = ${quoted(value)}`)
    .join('\n');
  const paths = sessions.map(
    ({ workspace, session }) => `/api/whatsapp/sessions/${session}/messages?workspace_id=${workspace}`,
  );
  const one = JSON.stringify({ to: '491701234567', text: TEXT });
  const single = (key: string) => `${head}
local paths = { ${paths.map(quoted).join(', ')} }
local body = ${quoted(one)}
local count = 0
local run = os.time()
request = function()
  count = count + 1
  ${key}
  return wrk.format("POST", paths[count % #paths + 1], nil, body)
end
`;
  const messages = Array.from({ length: BULK }, (_, index) => {
    const { workspace, session } = sessions[index % sessions.length] as BenchSession;
    return { workspace_id: workspace, session_id: session, to: '491701234567', text: TEXT };
  });
  const files: Record<keyof Scripts, string> = {
    single: single(''),
    withKey: single('wrk.headers["idempotency-key"] = "bench-" .. run .. "-" .. count'),
    bulk: `${head}
local body = ${quoted(JSON.stringify({ messages }))}
local whole
request = function()
  whole = whole or wrk.format("POST", "/api/whatsapp/messages/bulk", nil, body)
  return whole
end
`,
  };
  const scripts = { single: '', withKey: '', bulk: '' };
  for (const name of ['single', 'withKey', 'bulk'] as const) {
    scripts[name] = join(directory, `${name}.lua`);
    await writeFile(scripts[name], files[name]);
  }
  return scripts;
}

/** A string of Lua; JSON's escapes that occur here mean the same there. */
function quoted(text: string): string {
  return JSON.stringify(text);
}
