import { cp, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../../../common/errors.ts';
import type { Fleet } from './fleet.ts';
import type { Traffic } from './traffic.ts';

/** A line of any log, and when it was written: milliseconds since 1970. */
interface Line {
  time: number;
  text: string;
}

/**
 * Gathers what everybody wrote, where something failed: `story.txt` with all logs by time, and the logs themselves, what clients were answered, what
 * WhatsApp saw. The directory stays.
 *
 * @param said what the suite did
 * @returns the directory
 */
export async function gatherStory(
  fleet: Fleet,
  traffic: Traffic,
  said: readonly Line[],
  problems: readonly string[],
): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'wharf-chaos-story-'));
  const lines: Line[] = said.map(({ time, text }) => ({ time, text: `### ${text}` }));
  for (const host of fleet.world.hosts) {
    const logs = (await readdir(host.directory)).filter((name) => name.endsWith('.log'));
    for (const name of logs) {
      const file = join(host.directory, name);
      await cp(file, join(directory, `${host.name}-${name}`));
      if (['instance.log', 'router.log', 'emulator.log'].includes(name))
        lines.push(...(await linesOf(file, host.name)));
    }
  }
  const attempt = async (name: string, make: () => Promise<unknown> | unknown) => {
    const content = await Promise.resolve()
      .then(make)
      .catch((error: unknown) => ({ failed: messageOf(error).slice(0, 500) }));
    await writeFile(join(directory, name), `${JSON.stringify(content, null, 1)}\n`);
    return content;
  };
  await attempt('problems.json', () => problems);
  await attempt('fleet.json', () => fleet.view());
  await attempt('events.json', () => fleet.events());
  await attempt('whatsapp-state.json', () => fleet.whatsapp.state());
  await attempt('connections.json', () => fleet.whatsapp.connections());
  await attempt('sent.json', () => fleet.whatsapp.sent(0));
  await attempt('delivered.json', () => fleet.whatsapp.delivered(0));
  await attempt('handed-in.json', () => traffic.handedIn);
  const seen = await attempt('whatsapp-log.json', async () => (await fleet.whatsapp.log(0)).entries);
  if (Array.isArray(seen)) {
    for (const entry of seen as { time: string; event: string }[]) {
      if (
        ['connect', 'disconnect', 'login', 'register', 'rollback', 'conflict', 'unreadable'].includes(
          entry.event,
        )
      )
        lines.push({ time: Date.parse(entry.time), text: `whatsapp ${JSON.stringify(entry)}` });
    }
  }
  lines.sort((a, b) => a.time - b.time);
  await writeFile(
    join(directory, 'story.txt'),
    `${lines.map(({ time, text }) => `${new Date(time).toISOString()} ${text}`).join('\n')}\n`,
  );
  return directory;
}

/** The lines of a log, each with its time; one that has none gets that of the line before. */
async function linesOf(file: string, host: string): Promise<Line[]> {
  let time = 0;
  return (await readFile(file, 'utf8'))
    .split('\n')
    .filter((text) => text !== '')
    .map((text) => {
      const { at, shown } = readLine(text);
      time = at ?? time;
      return { time, text: `${host} ${shown}` };
    });
}

function readLine(text: string): { at?: number; shown: string } {
  try {
    const { time, level, msg, pid, hostname, service, ...rest } = JSON.parse(text) as Record<string, unknown>;
    const at = typeof time === 'number' ? time : Date.parse(String(time));
    return { at, shown: `${String(level)} ${String(service ?? '')} ${String(msg)} ${JSON.stringify(rest)}` };
  } catch {
    return { shown: text };
  }
}
