import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { createGunzip, createGzip } from 'node:zlib';
import { z } from 'zod';
import { messageOf, WharfError } from '../../common/errors.ts';
import type { BackupId } from '../../fleet/backup/api.ts';
import { Turns } from '../turns.ts';
import { type Manifest, manifestSchema } from './manifest.ts';

/*
 * A manifest as text: JSON lines, gzipped. The first line is what it is, then comes a line for each session, each session that is missing and each file of the
 * fleet, and the last one counts them, so that one that was cut short between two lines is seen. Lines, since 3000 sessions in one document would hold the event
 * loop for a good part of a second at every reading, and so that `zcat | grep` finds a session.
 */

const { sessions, missed, fleet } = manifestSchema.shape;
const headSchema = manifestSchema.omit({ sessions: true, missed: true, fleet: true });
const endSchema = z.strictObject({ sessions: z.number(), missed: z.number(), fleet: z.number() });
const lineSchema = z.union([
  z.strictObject({ session: sessions.element }),
  z.strictObject({ missed: missed.element }),
  z.strictObject({ fleet: fleet.element }),
  z.strictObject({ end: endSchema }),
]);

/** The manifest as the store has it. */
export async function writeManifest(manifest: Manifest): Promise<Buffer> {
  return await buffer(Readable.from(linesOf(manifest)).pipe(createGzip()));
}

async function* linesOf({ sessions, missed, fleet, ...head }: Manifest): AsyncGenerator<string> {
  const turns = new Turns();
  yield line(head);
  for (const session of sessions) {
    await turns.take();
    yield line({ session });
  }
  for (const session of missed) yield line({ missed: session });
  for (const file of fleet) yield line({ fleet: file });
  yield line({ end: { sessions: sessions.length, missed: missed.length, fleet: fleet.length } });
}

function line(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

/**
 * Reads a manifest.
 *
 * @param id what it is named by
 * @throws WharfError `backup_damaged` where it is cut short, or not what it says it is; what `stored` throws as WharfError
 */
export async function readManifest(id: BackupId, stored: Readable): Promise<Manifest> {
  try {
    const manifest = await parse(stored);
    if (manifest.id !== id) throw new Error(`it calls itself ${manifest.id}`);
    return manifest;
  } catch (error) {
    if (error instanceof WharfError) throw error;
    const why = error instanceof z.ZodError ? 'a line of it is not as it should be' : messageOf(error);
    throw new WharfError(
      'backup_damaged',
      `The manifest of backup ${id} cannot be read: ${why}. The other backups do not need it.`,
      { cause: error },
    );
  }
}

async function parse(stored: Readable): Promise<Manifest> {
  const turns = new Turns();
  let manifest: Manifest | undefined;
  let end: z.infer<typeof endSchema> | undefined;
  for await (const text of linesIn(stored)) {
    await turns.take();
    if (end) throw new Error('there is something after its end');
    if (!manifest) {
      manifest = { ...headSchema.parse(readLine(text)), sessions: [], missed: [], fleet: [] };
      continue;
    }
    const entry = lineSchema.parse(readLine(text));
    if ('session' in entry) manifest.sessions.push(entry.session);
    else if ('missed' in entry) manifest.missed.push(entry.missed);
    else if ('fleet' in entry) manifest.fleet.push(entry.fleet);
    else end = entry.end;
  }
  if (!manifest || !end) throw new Error('it is cut short');
  const whole =
    end.sessions === manifest.sessions.length &&
    end.missed === manifest.missed.length &&
    end.fleet === manifest.fleet.length;
  if (!whole) throw new Error('lines are missing in it');
  return manifest;
}

/** Not with the words of JSON.parse, which quote the text: it has passwords of proxies and secrets of webhooks. */
function readLine(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('a line of it is no JSON');
  }
}

/** Lines of what is gzipped; a fault of either stream ends them with it. */
async function* linesIn(stored: Readable): AsyncGenerator<string> {
  const plain = createGunzip();
  stored.once('error', (error) => plain.destroy(error));
  stored.pipe(plain);
  let rest = '';
  plain.setEncoding('utf8');
  try {
    for await (const chunk of plain as AsyncIterable<string>) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
  } finally {
    stored.destroy();
  }
  if (rest !== '') throw new Error('its last line is cut short');
}
