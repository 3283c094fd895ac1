import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { Readable } from 'node:stream';
import type { Instances, OpenCopy } from '../../backup/fleet/instances.ts';
import type { SessionName, SessionsOnStorage } from '../../backup/fleet/sessions-on-storage.ts';
import { StoredCatalog } from '../../backup/manifest/stored-catalog.ts';
import { openObjects } from '../../backup/objects/open-objects.ts';
import { makeBackup } from '../../backup/run/backup-run.ts';
import { Distrusted } from '../../backup/run/distrusted.ts';
import { systemClock } from '../../common/clock.ts';
import { createLogger } from '../../common/logger.ts';
import type { ObjectRef } from '../../fleet/backup/session-copy.ts';
import { aSessionRecord } from '../helpers/backed-up-session.ts';
import { MemoryObjectStore } from '../helpers/memory-object-store.ts';

/*
 * `npm run simulate:backups [-- sessions pieces]`: what a run costs the process that makes it, with so many sessions of so many pieces: the first run, and one an hour
 * later in which 70 of 100 sessions have a new archive and one new piece. The instances are made up and the store is in memory, so that nothing but the run's
 * own work is measured: hashing, compressing, reading back, manifests.
 */

const [sessions = 3000, pieces = 30] = process.argv.slice(2).map(Number);
const PIECE = 2048;
const ARCHIVE = 20_000;

/** Content that is the same for the same words, and compresses by half as tables do. */
function content(words: string, size: number): Buffer {
  const half = createHash('shake256', { outputLength: size / 2 })
    .update(words)
    .digest();
  return Buffer.concat([half, Buffer.alloc(size - half.length, words)]);
}

function refOf(bytes: Buffer): ObjectRef {
  return { sha256: createHash('sha256').update(bytes).digest('hex'), size: bytes.length };
}

/** The made-up fleet; what it costs to make up is measured too, and told. */
class MadeUpFleet implements SessionsOnStorage, Pick<Instances, 'copy' | 'owners'> {
  hour = 0;
  spent = 0;
  readonly #refs = new Map<string, ObjectRef>();

  async list(): Promise<SessionName[]> {
    return Array.from({ length: sessions }, (_, n) => ({
      workspace: String(Math.floor(n / 10)),
      session: `s${n % 10}`,
    }));
  }

  async deletedAt(): Promise<null> {
    return null;
  }

  async fleetFiles(): Promise<[]> {
    return [];
  }

  async owners(): Promise<ReadonlyMap<string, string>> {
    const workspaces = Array.from({ length: Math.ceil(sessions / 10) }, (_, n) => String(n));
    return new Map(workspaces.map((workspace) => [workspace, `instance-${(Number(workspace) % 4) + 1}`]));
  }

  async copy({ workspace, session }: SessionName): Promise<OpenCopy> {
    const began = performance.now();
    const busy = Number(session.slice(1)) < 7;
    const hour = busy ? this.hour : 0;
    const words = new Map<string, string>();
    const made = (text: string, size: number) => {
      const ref = this.#refs.get(text) ?? refOf(content(text, size));
      this.#refs.set(text, ref);
      words.set(ref.sha256, text);
      return ref;
    };
    const first = Array.from({ length: pieces - 1 }, (_, n) => made(`${workspace} ${session} ${n}`, PIECE));
    const last = made(`${workspace} ${session} last ${hour}`, PIECE);
    const archive = made(`${workspace} ${session} archive ${hour}`, ARCHIVE);
    this.spent += performance.now() - began;
    const fetched = async ({ sha256, size }: ObjectRef) =>
      Readable.from([content(words.get(sha256) as string, size)]);
    return {
      copy: {
        copy: 'c',
        taken_at: new Date().toISOString(),
        record: aSessionRecord({ workspace_id: workspace, session_id: session }),
        instance: 'instance-1',
        epoch: 3,
        chromium: '145.0.1.2',
        live: true,
        frozen_ms: 20,
        archive,
        pieces: [...first, last],
        bytes: pieces * PIECE,
        files: pieces,
      },
      archive: () => fetched(archive),
      piece: fetched,
      close: async () => {},
    };
  }
}

/** Milliseconds that this thread has used of its CPU: a machine that is busy with something else makes no difference. Linux only. */
function threadTime(): number {
  return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
}

/** Notes how much of the CPU the event loop uses between two turns of a timer: for so long nothing else could go on. */
class LoopWatch {
  readonly #turns: number[] = [];
  #last = threadTime();
  readonly #timer = setInterval(() => {
    const now = threadTime();
    this.#turns.push(now - this.#last);
    this.#last = now;
  }, 1);

  /** The longest, milliseconds, and how many were longer than 50 ms. */
  end(): { longest: number; over: number } {
    clearInterval(this.#timer);
    return {
      longest: this.#turns.reduce((most, turn) => Math.max(most, turn), 0),
      over: this.#turns.filter((turn) => turn > 50).length,
    };
  }
}

const fleet = new MadeUpFleet();
const store = new MemoryObjectStore();
const catalog = new StoredCatalog(store);
const parts = {
  storage: fleet,
  instances: fleet,
  objects: openObjects(store, systemClock),
  store,
  catalog,
  distrusted: new Distrusted(),
  confirm: async () => {},
  concurrency: 8,
  version: '0.1.0',
  clock: systemClock,
  log: createLogger('silent', {}, process.stderr),
  onCopied: () => {},
};

console.log(`${sessions} sessions of ${pieces} pieces`);
for (const name of ['first run', 'an hour later']) {
  const watch = new LoopWatch();
  let most = 0;
  const sampling = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss);
  }, 100);
  fleet.spent = 0;
  const began = performance.now();
  const cpu = process.cpuUsage();
  const { manifest } = await makeBackup(parts, {
    id: name,
    signal: new AbortController().signal,
    set: () => {},
    find: (text) => console.log(text),
  });
  const seconds = (performance.now() - began) / 1000;
  const used = process.cpuUsage(cpu);
  const loop = watch.end();
  clearInterval(sampling);
  const stored = (await catalog.list()).at(-1)?.stored ?? 0;
  console.log(
    `${name}: ${seconds.toFixed(1)} s, CPU ${((used.user + used.system) / 1e6).toFixed(1)} s (${(fleet.spent / 1000).toFixed(1)} s of it to make up copies), ` +
      `${manifest.sent_objects} objects sent, manifest ${(stored / 1e6).toFixed(2)} MB, RSS at most ${Math.round(most / 1e6)} MB with the store's ${Math.round(sizeOfStore() / 1e6)} MB, ` +
      `event loop held for ${loop.longest.toFixed(0)} ms at most, ${loop.over} times for more than 50 ms`,
  );
  fleet.hour += 1;
}

function sizeOfStore(): number {
  return [...store.objects.values()].reduce((sum, { content: bytes }) => sum + bytes.length, 0);
}
