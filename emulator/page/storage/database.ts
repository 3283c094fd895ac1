import type { Settings, StoreName, Stores } from './records.ts';

const NAME = 'model-storage';
const VERSION = 1;

interface StoreSchema {
  /** Undefined: the key is given apart from the record. */
  readonly keyPath?: string | string[];
  readonly indexes?: Readonly<Record<string, string | string[]>>;
}

const SCHEMA: Readonly<Record<StoreName, StoreSchema>> = {
  settings: {},
  messages: { keyPath: 'key', indexes: { chat: ['chat', 't', 'row'] } },
  chats: { keyPath: 'id' },
  contacts: { keyPath: 'id' },
  groups: { keyPath: 'id' },
  reactions: { keyPath: ['parent', 'sender'], indexes: { parent: 'parent' } },
  votes: { keyPath: ['parent', 'sender'], indexes: { parent: 'parent' } },
  oneTimeKeys: { keyPath: 'id' },
  sessions: { keyPath: ['peer', 'session'] },
  peers: { keyPath: 'chat' },
  outbox: { keyPath: 'message.id' },
};

/** One IndexedDB transaction. Await nothing in it but its own requests, or it commits early. */
export class Transaction {
  readonly #transaction: IDBTransaction;

  constructor(transaction: IDBTransaction) {
    this.#transaction = transaction;
  }

  get<S extends StoreName>(store: S, key: IDBValidKey): Promise<Stores[S] | undefined> {
    return request(this.#transaction.objectStore(store).get(key) as IDBRequest<Stores[S] | undefined>);
  }

  async getSetting<K extends keyof Settings>(name: K): Promise<Settings[K] | undefined> {
    return (await this.get('settings', name)) as Settings[K] | undefined;
  }

  getAll<S extends StoreName>(store: S): Promise<Stores[S][]> {
    return request(this.#transaction.objectStore(store).getAll() as IDBRequest<Stores[S][]>);
  }

  getAllByIndex<S extends StoreName>(store: S, index: string, key: IDBValidKey): Promise<Stores[S][]> {
    return request(this.#transaction.objectStore(store).index(index).getAll(key) as IDBRequest<Stores[S][]>);
  }

  /** The last `count` records of an index within a range, the last one first; with `next` the first ones. */
  async byIndex<S extends StoreName>(
    store: S,
    index: string,
    range: IDBKeyRange,
    count: number,
    direction: 'prev' | 'next' = 'prev',
  ): Promise<Stores[S][]> {
    const found: Stores[S][] = [];
    const cursorRequest = this.#transaction.objectStore(store).index(index).openCursor(range, direction);
    for (;;) {
      const cursor = await request(cursorRequest);
      if (!cursor) return found;
      found.push(cursor.value as Stores[S]);
      if (found.length >= count) return found;
      cursor.continue();
    }
  }

  put<S extends StoreName>(store: S, record: Stores[S]): void {
    this.#transaction.objectStore(store).put(record);
  }

  putSetting<K extends keyof Settings>(name: K, value: Settings[K]): void {
    this.#transaction.objectStore('settings').put(value, name);
  }

  delete(store: StoreName, key: IDBValidKey): void {
    this.#transaction.objectStore(store).delete(key);
  }

  clear(store: StoreName): void {
    this.#transaction.objectStore(store).clear();
  }

  abort(): void {
    this.#transaction.abort();
  }
}

/**
 * Everything the page keeps, in one database, so that a message and the sequence number that acknowledges it can
 * be written in one transaction.
 */
export class Database {
  readonly #database: IDBDatabase;

  constructor(database: IDBDatabase) {
    this.#database = database;
  }

  /** Reads; what it returns was stored before. */
  read<T>(stores: readonly StoreName[], work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.#run(this.#database.transaction(stores, 'readonly'), work);
  }

  /**
   * Writes with strict durability: when the promise resolves, all of it has been flushed to the disk.
   * When `work` throws, none of it is written.
   */
  write<T>(stores: readonly StoreName[], work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.#run(this.#database.transaction(stores, 'readwrite', { durability: 'strict' }), work);
  }

  /** Removes every record: the device is no longer linked. */
  async clear(): Promise<void> {
    const names = Object.keys(SCHEMA) as StoreName[];
    await this.write(names, async (transaction) => {
      for (const name of names) transaction.clear(name);
    });
  }

  async #run<T>(transaction: IDBTransaction, work: (transaction: Transaction) => Promise<T>): Promise<T> {
    const done = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onerror = () => reject(transaction.error);
      transaction.onabort = () => reject(transaction.error ?? new Error('the transaction was aborted'));
    });
    const settled = done.then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    let result: T;
    try {
      result = await work(new Transaction(transaction));
    } catch (error) {
      abortQuietly(transaction);
      await settled;
      throw error;
    }
    const failure = await settled;
    if (failure) throw failure.error;
    return result;
  }
}

/** @throws DOMException when the browser cannot open or make the database. */
export function openDatabase(): Promise<Database> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(NAME, VERSION);
    opening.onupgradeneeded = () => createStores(opening.result);
    opening.onsuccess = () => resolve(new Database(opening.result));
    opening.onerror = () => reject(opening.error);
  });
}

function createStores(database: IDBDatabase): void {
  for (const [name, { keyPath, indexes }] of Object.entries(SCHEMA)) {
    const store = database.createObjectStore(name, keyPath === undefined ? {} : { keyPath });
    for (const [index, path] of Object.entries(indexes ?? {})) store.createIndex(index, path);
  }
}

function request<T>(pending: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    pending.onsuccess = () => resolve(pending.result);
    pending.onerror = () => reject(pending.error);
  });
}

function abortQuietly(transaction: IDBTransaction): void {
  try {
    transaction.abort();
  } catch {
    // It had ended by itself: an aborted or committed transaction cannot be aborted again.
  }
}
