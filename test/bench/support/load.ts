import { execFile } from 'node:child_process';
import { Agent, request } from 'node:http';
import { promisify } from 'node:util';

/** What is asked, again and again. */
export interface Target {
  url: string;
  headers: Record<string, string>;
}

/** As many requests as go through, from one thread of wrk over 32 connections. */
export interface FullLoad {
  requestsPerSecond: number;
  p99Milliseconds: number;
  seconds: number;
}

const CONNECTIONS = 32;

/**
 * Runs wrk.
 *
 * @throws Error when wrk is not there, or when any answer was not a 200
 */
export async function fullLoad({ url, headers }: Target, seconds: number): Promise<FullLoad> {
  const args = ['-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, '--latency'];
  for (const [name, value] of Object.entries(headers)) args.push('-H', `${name}: ${value}`);
  const { stdout } = await promisify(execFile)('wrk', [...args, url]);
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`${url} did not answer all requests:\n${stdout}`);
  const rate = Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]);
  const [, p99, unit] = /99%\s+([\d.]+)(us|ms|s)/.exec(stdout) ?? [];
  const factor = unit === 'us' ? 0.001 : unit === 's' ? 1000 : 1;
  if (!(rate > 0) || p99 === undefined) throw new Error(`wrk said something else than expected:\n${stdout}`);
  return { requestsPerSecond: rate, p99Milliseconds: Number(p99) * factor, seconds };
}

/**
 * Sends a fixed number of requests a second, whatever the answers do, and gives the time of each, milliseconds.
 *
 * @throws Error when any answer is not a 200
 */
export async function constantLoad(
  { url, headers }: Target,
  perSecond: number,
  seconds: number,
): Promise<number[]> {
  const agent = new Agent({ keepAlive: true });
  const times: number[] = [];
  const started = performance.now();
  const total = perSecond * seconds;
  const answers: Promise<void>[] = [];
  try {
    while (answers.length < total) {
      const due = Math.min(total, Math.floor(((performance.now() - started) / 1000) * perSecond) + 1);
      while (answers.length < due)
        answers.push(ask(url, headers, agent).then((time) => void times.push(time)));
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await Promise.all(answers);
  } finally {
    agent.destroy();
  }
  return times;
}

function ask(url: string, headers: Record<string, string>, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const asked = request(url, { headers, agent }, (answer) => {
      answer.resume();
      answer.on('end', () => {
        if (answer.statusCode === 200) resolve(performance.now() - started);
        else reject(new Error(`${url} answered ${answer.statusCode}`));
      });
    });
    asked.on('error', reject);
    asked.end();
  });
}
