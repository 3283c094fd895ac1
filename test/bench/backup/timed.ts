import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readEnv } from '../../../common/env.ts';

/** What something cost, seconds. */
export interface Cost {
  wall: number;
  /** User and system time of all processes that did it, those of the S3 server not counted. */
  cpu: number;
}

/** What a command cost. */
export interface Timed extends Cost {
  code: number;
  /** The end of what it wrote to standard error. */
  said: string;
}

/** Runs a line of bash and measures it, all its processes together. */
export async function timed(line: string, env: Record<string, string> = {}): Promise<Timed> {
  const script = `set -o pipefail; TIMEFORMAT='%U %S'; time { ${line}; }`;
  const began = performance.now();
  const child = spawn('bash', ['-c', script], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...readEnv(), ...env },
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4000);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  const wall = (performance.now() - began) / 1000;
  const [user, system] = said.trim().split('\n').at(-1)?.split(' ').map(Number) ?? [];
  return { wall, cpu: (user ?? Number.NaN) + (system ?? Number.NaN), code: code ?? -1, said };
}
