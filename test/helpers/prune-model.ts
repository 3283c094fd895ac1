import { PassThrough, Readable } from 'node:stream';
import { json } from 'node:stream/consumers';
import type { Instances, OpenCopy } from '../../backup/fleet/instances.ts';
import { madeAt } from '../../backup/manifest/backup-ids.ts';
import type { Catalog, LatestBackup, Manifest, ManifestHead } from '../../backup/manifest/manifest.ts';
import type { Codec } from '../../backup/objects/codec.ts';
import type { ObjectStore } from '../../backup/store/object-store.ts';
import { WharfError } from '../../common/errors.ts';
import type { ObjectRef } from '../../fleet/backup/session-copy.ts';
import { refOf } from './backed-up-session.ts';
import type { SeededRandom } from './random.ts';

/** Compresses nothing: the model is about when things happen, and zlib's threads have their own time. */
export const plain: Codec = {
  suffix: 'gz',
  compress: () => new PassThrough(),
  decompress: () => new PassThrough(),
};

/** What each actor of a model waits at before each of its steps, so that a test decides whose turn it is. */
export class Steps {
  readonly #random: SeededRandom;
  #waiting: { actor: string; go: () => void }[] = [];

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  /** Resolves when it is this actor's turn. */
  turn(actor: string): Promise<void> {
    return new Promise((go) => this.#waiting.push({ actor, go }));
  }

  /** Gives turns, at random, until all actors have ended; `between` runs before each. */
  async run(actors: readonly Promise<unknown>[], between: () => void): Promise<void> {
    let over = false;
    const ended = Promise.allSettled(actors).then(() => {
      over = true;
    });
    while (!over) {
      await settle();
      if (this.#waiting.length === 0) continue;
      between();
      const actor = this.#random.oneOf([...new Set(this.#waiting.map((each) => each.actor))]);
      const at = this.#waiting.findIndex((each) => each.actor === actor);
      for (const { go } of this.#waiting.splice(at, 1)) go();
    }
    await ended;
  }
}

/** Nothing here waits for anything but other callbacks. */
async function settle(): Promise<void> {
  for (let round = 0; round < 12; round += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** A store in which some requests wait for their actor's turn. */
export function stepping(
  store: ObjectStore,
  turn: () => Promise<void>,
  free: readonly string[],
): ObjectStore {
  const gated = async <T>(request: string, work: () => Promise<T>): Promise<T> => {
    if (!free.includes(request)) await turn();
    return await work();
  };
  return {
    shown: store.shown,
    check: () => gated('check', () => store.check()),
    put: (key, content) => gated('put', () => store.put(key, content)),
    create: (key, content) => gated('create', () => store.create(key, content)),
    get: (key) => gated('get', () => store.get(key)),
    head: (key) => gated('head', () => store.head(key)),
    async *list(prefix) {
      await gated('list', async () => undefined);
      yield* store.list(prefix);
    },
    remove: (keys) => gated('remove', () => store.remove(keys)),
    now: () => gated('now', () => store.now()),
    abortUploads: (age) => gated('abortUploads', () => store.abortUploads(age)),
    close: () => store.close(),
  };
}

/** Manifests as plain JSON. */
export class PlainCatalog implements Catalog {
  readonly #store: ObjectStore;

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  async list(): Promise<ManifestHead[]> {
    const heads: ManifestHead[] = [];
    for await (const { key, size, modified } of this.#store.list('manifests/')) {
      const id = key.slice('manifests/'.length);
      heads.push({ id, made: madeAt(id, modified), modified, stored: size });
    }
    return heads.sort((a, b) => a.made - b.made || (a.id < b.id ? -1 : 1));
  }

  async read(id: string): Promise<Manifest> {
    const stored = await this.#store.get(`manifests/${id}`);
    if (stored === null) throw new WharfError('backup_not_found', `${id} is not there`);
    return (await json(stored)) as Manifest;
  }

  async latest(): Promise<LatestBackup | null> {
    for (const { id, made } of (await this.list()).reverse()) {
      const manifest = await this.read(id).catch(() => null);
      if (manifest) return { manifest, made, damaged: [] };
    }
    return null;
  }

  put(manifest: Manifest): Promise<boolean> {
    return this.#store.create(`manifests/${manifest.id}`, Buffer.from(JSON.stringify(manifest)));
  }

  remove(id: string): Promise<void> {
    return this.#store.remove([`manifests/${id}`]);
  }
}

/** An instance whose sessions are made of pieces that are asked for when they are copied; the first is the archive. */
export function copying(
  pieces: (session: string) => Buffer[],
  make: (session: string, archive: ObjectRef, refs: ObjectRef[]) => OpenCopy['copy'],
): Pick<Instances, 'owners' | 'copy'> {
  return {
    owners: async () => new Map([['7', 'instance-1']]),
    async copy({ session }) {
      const [archive = Buffer.alloc(0), ...rest] = pieces(session);
      const content = new Map([archive, ...rest].map((piece) => [refOf(piece).sha256, piece]));
      return {
        copy: make(session, refOf(archive), rest.map(refOf)),
        archive: async () => Readable.from([archive]),
        piece: async ({ sha256 }) => Readable.from([content.get(sha256) ?? Buffer.alloc(0)]),
        close: async () => {},
      };
    },
  };
}
