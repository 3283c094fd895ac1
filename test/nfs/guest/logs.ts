import { createHash } from 'node:crypto';
import { open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemCode } from '../../../common/errors.ts';

/** What a log holds: whether it is whole lines of one writer in order, and up to which. */
export interface LogState {
  /** The last whole line's number, 0 where there is none. */
  last: number;
  /** Lines that are not what a writer wrote, or not in order. */
  faults: number;
  writers: string[];
}

export interface WriteCall {
  path: string;
  writer: string;
  /** Between two lines, milliseconds. */
  every: number;
  /** Between two fsyncs, milliseconds; 0 for none, as browsers write their logs. */
  sync: number;
}

let writing = true;

/** Ends all {@link writeLog} of this process. */
export async function stopWriting(): Promise<void> {
  writing = false;
}

/**
 * Appends lines to a file as a browser appends to its database's log, and tells, twice a second, which line is written and which is
 * known to be on the server. Answers the errors it met, by code.
 */
export async function writeLog(
  call: WriteCall,
  emit: (event: { written: number; synced: number }) => void,
): Promise<Record<string, number>> {
  const errors: Record<string, number> = {};
  const handle = await open(call.path, 'a', 0o600);
  let written = 0;
  let synced = 0;
  writing = true;
  const attempt = async (work: () => Promise<unknown>) => {
    try {
      await work();
    } catch (error) {
      const code = systemCode(error) ?? 'other';
      errors[code] = (errors[code] ?? 0) + 1;
      await sleep(100);
    }
  };
  const repeat = async (pause: number, work: () => Promise<unknown>) => {
    while (writing) {
      await attempt(work);
      await sleep(pause);
    }
  };
  const tell = setInterval(() => emit({ written, synced }), 500);
  const loops = [
    repeat(call.every, async () => {
      await handle.appendFile(lineOf(call.writer, written + 1));
      written += 1;
    }),
  ];
  if (call.sync > 0)
    loops.push(
      repeat(call.sync, async () => {
        const reached = written;
        await handle.sync();
        synced = reached;
      }),
    );
  await Promise.all(loops);
  clearInterval(tell);
  await attempt(() => handle.close());
  return errors;
}

/** Writes everything back to the server. Answers the error's code, or null. */
export async function syncFile(call: { path: string }): Promise<string | null> {
  try {
    const handle = await open(call.path, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
    return null;
  } catch (error) {
    return systemCode(error) ?? String(error);
  }
}

/** The states of all logs in a directory, by file. */
export async function readLogs(call: { directory: string }): Promise<Record<string, LogState>> {
  const states: Record<string, LogState> = {};
  for (const name of await readdir(call.directory))
    if (name.endsWith('.log')) states[name] = stateOf(await readFile(join(call.directory, name), 'utf8'));
  return states;
}

/** SHA-256 of each file of a directory, by name. */
export async function hashes(call: { directory: string }): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of await readdir(call.directory)) {
    const content = await readFile(join(call.directory, name));
    found[name] = createHash('sha256').update(content).digest('hex');
  }
  return found;
}

/** About 200 bytes, so that 50 lines a second are what a busy session writes. */
function lineOf(writer: string, number: number): string {
  const body = `${writer} ${number} ${'.'.repeat(160)}`;
  return `${body} ${digest(body)}\n`;
}

function stateOf(text: string): LogState {
  const state: LogState = { last: 0, faults: 0, writers: [] };
  // What follows the last line's end is a line cut short, as any log may end.
  for (const line of text.split('\n').slice(0, -1)) {
    const body = line.slice(0, line.lastIndexOf(' '));
    const [writer = '', number = ''] = body.split(' ');
    if (line.slice(body.length + 1) !== digest(body) || Number(number) !== state.last + 1) state.faults += 1;
    else state.last += 1;
    if (!state.writers.includes(writer)) state.writers.push(writer);
  }
  return state;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
