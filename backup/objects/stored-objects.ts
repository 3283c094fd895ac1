import { Readable } from 'node:stream';
import type { Clock } from '../../common/clock.ts';
import { isWharfError, WharfError } from '../../common/errors.ts';
import type { ObjectRef } from '../../fleet/backup/session-copy.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { expectMany, streamOf } from '../store/streams.ts';
import type { Codec } from './codec.ts';
import { compressed, decompressed } from './content.ts';
import { Limit } from './limit.ts';
import { Measure } from './measure.ts';
import type { KeptObject, ObjectEntry, Objects } from './objects.ts';
import { YoungObjects } from './young-objects.ts';

const PREFIX = 'objects/';

/** Bytes up to which an object is compressed in memory and sent by one request whose length is known. */
const WHOLE = 8 * 1024 * 1024;

/** Objects that are put at one time; each takes {@link WHOLE} bytes of memory at most, beside what the store holds of a part. */
const PUTS = 16;

/** Objects that are read and hashed at one time: more would take the event loop's time in bursts. */
const CHECKS = 8;

/** {@link Objects} in an {@link ObjectStore}. */
export class StoredObjects implements Objects {
  readonly #store: ObjectStore;
  readonly #codec: Codec;
  readonly #codecs: readonly Codec[];
  readonly #young: YoungObjects;
  readonly #puts = new Limit(PUTS);
  readonly #checks = new Limit(CHECKS);

  /**
   * @param codec for what is put
   * @param others what objects may be compressed with too
   */
  constructor(store: ObjectStore, codec: Codec, others: readonly Codec[], clock: Pick<Clock, 'monotonic'>) {
    this.#store = store;
    this.#codec = codec;
    this.#codecs = [codec, ...others];
    this.#young = new YoungObjects(store, PREFIX, clock);
  }

  async keep(
    ref: ObjectRef,
    content: () => Promise<Readable | Buffer>,
    { trusted, signal }: { trusted: number | null; signal: AbortSignal },
  ): Promise<KeptObject> {
    signal.throwIfAborted();
    expectMany(signal);
    if (trusted !== null) return { ...ref, stored: trusted, sent: false };
    return this.#puts.run(async () => {
      signal.throwIfAborted();
      const key = keyOf(ref, this.#codec);
      const young = await this.#young.find(key);
      // Whoever put it may have died before it was read back.
      if (young !== null && (await this.#faultOf(key, ref, signal)) === null)
        return { ...ref, stored: young.stored, sent: false };
      const stored = await this.#send(key, ref, content, signal);
      await this.#young.note(key, stored);
      return { ...ref, stored, sent: true };
    });
  }

  async read(ref: ObjectRef, signal: AbortSignal): Promise<Readable> {
    expectMany(signal);
    for (const codec of this.#codecs) {
      const key = keyOf(ref, codec);
      const stored = await this.#store.get(key, signal);
      if (stored !== null) return this.#opened(stored, key, codec, ref, signal);
    }
    throw new WharfError(
      'backup_damaged',
      `The object ${keyOf(ref, this.#codec)} is not in ${this.#store.shown}: it was removed by something else than Wharf, or the wrong place is looked at.`,
    );
  }

  check(ref: ObjectRef, signal: AbortSignal): Promise<string | null> {
    return this.#checks.run(() => faultIn(this.read(ref, signal)));
  }

  async *list(): AsyncIterable<ObjectEntry> {
    for await (const { key, size, modified } of this.#store.list(PREFIX)) {
      const [, first, rest, suffix] = /^objects\/([0-9a-f]{2})\/([0-9a-f]{62})\.([a-z]+)$/.exec(key) ?? [];
      if (first === undefined || rest === undefined) continue;
      if (this.#codecs.some((codec) => codec.suffix === suffix))
        yield { sha256: first + rest, key, stored: size, modified };
    }
  }

  async remove(entries: readonly ObjectEntry[]): Promise<void> {
    await this.#store.remove(entries.map(({ key }) => key));
  }

  /** Puts an object, and once more where what is read back is not what was put. Its bytes as stored. */
  async #send(
    key: string,
    ref: ObjectRef,
    content: () => Promise<Readable | Buffer>,
    signal: AbortSignal,
  ): Promise<number> {
    for (let attempt = 1; ; attempt++) {
      const sent = await this.#put(key, ref, await content(), signal);
      const there = await this.#measure(key, signal);
      if (there?.sha256 === sent.sha256) return sent.size;
      if (attempt === 2) {
        throw new WharfError(
          'backup_damaged',
          `What was put into ${this.#store.shown} as ${key} twice was not what was read back (${there?.size ?? 0} bytes of ${sent.size}, or others). Look at the store, and at the memory of this machine.`,
        );
      }
    }
  }

  /** What is stored of an object, as it is; null: nothing. */
  async #measure(key: string, signal: AbortSignal): Promise<ObjectRef | null> {
    const stored = await this.#store.get(key, signal);
    if (stored === null) return null;
    const measure = new Measure();
    for await (const chunk of stored) measure.add(chunk);
    return measure.end();
  }

  async #put(
    key: string,
    ref: ObjectRef,
    content: Readable | Buffer,
    signal: AbortSignal,
  ): Promise<ObjectRef> {
    if (!Buffer.isBuffer(content)) heedEarlyFault(content);
    const measure = new Measure();
    const pieces = measured(compressed(content, ref, this.#codec), measure);
    try {
      if (ref.size > WHOLE) {
        await this.#store.put(key, Readable.from(pieces, { objectMode: false }), signal);
        return measure.end();
      } else {
        const whole: Buffer[] = [];
        for await (const piece of pieces) whole.push(piece);
        const sent = measure.end();
        await this.#store.put(key, Buffer.concat(whole), signal, sent.sha256);
        return sent;
      }
    } catch (error) {
      if (!isWharfError(error, 'backup_damaged')) throw error;
      throw new WharfError(
        'backup_damaged',
        `What was to be kept as ${key} is not what it was said to be: ${error.message}`,
        { cause: error },
      );
    } finally {
      if (!Buffer.isBuffer(content)) content.destroy();
    }
  }

  async #faultOf(key: string, ref: ObjectRef, signal: AbortSignal): Promise<string | null> {
    const stored = await this.#store.get(key, signal);
    if (stored === null) return `The object ${key} is not there.`;
    return await faultIn(Promise.resolve(this.#opened(stored, key, this.#codec, ref, signal)));
  }

  #opened(stored: Readable, key: string, codec: Codec, ref: ObjectRef, signal: AbortSignal): Readable {
    heedEarlyFault(stored);
    return streamOf(decompressed(stored, ref, codec, key), () => stored.destroy(), signal);
  }
}

function keyOf({ sha256 }: ObjectRef, { suffix }: Codec): string {
  return `${PREFIX}${sha256.slice(0, 2)}/${sha256.slice(2)}.${suffix}`;
}

/** A stream that fails before anybody reads it would end the process; whoever reads it then is told. */
function heedEarlyFault(stream: Readable): void {
  stream.on('error', () => {});
}

/** What is damaged of a stream, in words, after all of it was read; null: nothing. */
async function faultIn(opening: Promise<Readable>): Promise<string | null> {
  try {
    for await (const _ of await opening);
    return null;
  } catch (error) {
    if (isWharfError(error, 'backup_damaged')) return error.message;
    throw error;
  }
}

async function* measured(pieces: AsyncIterable<Buffer>, measure: Measure): AsyncGenerator<Buffer> {
  for await (const piece of pieces) {
    measure.add(piece);
    yield piece;
  }
}
