import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import type { BackedUpSession, Manifest, StoredRef } from '../../backup/manifest/manifest.ts';
import { gzip } from '../../backup/objects/gzip.ts';
import { StoredObjects } from '../../backup/objects/stored-objects.ts';
import { type Clock, systemClock } from '../../common/clock.ts';
import { packArchive } from '../../fleet/backup/archive.ts';
import { cutFile } from '../../fleet/backup/pieces.ts';
import type { CopiedFile, ObjectRef } from '../../fleet/backup/session-copy.ts';
import type { SessionRecord } from '../../fleet/records.ts';
import { MemoryObjectStore } from './memory-object-store.ts';
import { aRecord } from './session-record.ts';

const signal = new AbortController().signal;

/** A store in memory with objects on it. */
export function memoryObjects(clock: Clock = systemClock): {
  store: MemoryObjectStore;
  objects: StoredObjects;
} {
  const store = new MemoryObjectStore(clock);
  return { store, objects: new StoredObjects(store, gzip, [], clock) };
}

/** The record of a linked session. */
export function aSessionRecord(changes: Partial<SessionRecord> = {}): SessionRecord {
  return aRecord({
    linked: true,
    phone_number: '491700000000',
    generation: 3,
    created_at: '2026-11-01T00:00:00.000Z',
    link_id: 'link-1',
    link_ended: null,
    ...changes,
  });
}

/** Keeps files as a run does, and tells how a manifest notes them. `content` of a piece that repeats may be the same buffer. */
export async function backUp(
  objects: Pick<StoredObjects, 'keep'>,
  files: Record<string, Buffer>,
  changes: Partial<BackedUpSession> = {},
): Promise<BackedUpSession> {
  const pieces = new Map<string, StoredRef>();
  const copied: CopiedFile[] = [];
  for (const [path, content] of Object.entries(files)) {
    const cut = cutFile(path, content.length);
    const refs: ObjectRef[] = [];
    let at = 0;
    for (const size of cut.pieces) {
      const piece = content.subarray(at, at + size);
      const ref = refOf(piece);
      if (!pieces.has(ref.sha256)) pieces.set(ref.sha256, await keep(objects, piece));
      refs.push(ref);
      at += size;
    }
    copied.push({ path, size: content.length, sha256: refOf(content).sha256, pieces: refs, tail: cut.tail });
  }
  const archive = await packed(copied, files);
  return {
    taken_at: '2026-11-22T09:00:05.000Z',
    record: aSessionRecord(),
    instance: 'instance-1',
    epoch: 3,
    chromium: '145.0.1.2',
    live: true,
    frozen_ms: 12,
    archive: await keep(objects, archive),
    pieces: [...pieces.values()],
    bytes: copied.reduce((sum, { size }) => sum + size, 0),
    files: copied.length,
    carried: null,
    ...changes,
  };
}

/** Keeps one object. */
export async function keep(objects: Pick<StoredObjects, 'keep'>, content: Buffer): Promise<StoredRef> {
  const kept = await objects.keep(refOf(content), async () => content, { trusted: null, signal });
  return { sha256: kept.sha256, size: kept.size, stored: kept.stored };
}

export function refOf(content: Buffer): ObjectRef {
  return { sha256: createHash('sha256').update(content).digest('hex'), size: content.length };
}

export function aManifest(
  id: string,
  sessions: BackedUpSession[],
  changes: Partial<Manifest> = {},
): Manifest {
  return {
    version: 1,
    id,
    wharf: '0.1.0',
    started_at: '2026-11-22T09:00:03.000Z',
    finished_at: '2026-11-22T09:00:41.000Z',
    sent_bytes: 0,
    sent_objects: 0,
    sessions,
    missed: [],
    fleet: [],
    ...changes,
  };
}

/** The key of an object in the store of {@link memoryObjects}. */
export function objectKey({ sha256 }: Pick<ObjectRef, 'sha256'>): string {
  return `objects/${sha256.slice(0, 2)}/${sha256.slice(2)}.gz`;
}

async function packed(copied: readonly CopiedFile[], files: Record<string, Buffer>): Promise<Buffer> {
  const content = (file: CopiedFile) => files[file.path] ?? Buffer.alloc(0);
  return await buffer(packArchive(copied, (file) => [content(file).subarray(file.size - file.tail)]));
}
