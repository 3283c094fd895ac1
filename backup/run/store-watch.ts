import { isWharfError, WharfError } from '../../common/errors.ts';
import type { ObjectStore } from '../store/object-store.ts';

/** Failures of the store one after the other, without an object kept between, after which a run gives up though the store seems well. */
const MOST_IN_A_ROW = 10;

/** Decides whether a run can go on after the store failed: one that refuses everything is said once, and not for each of thousands of sessions. */
export class StoreWatch {
  readonly #store: Pick<ObjectStore, 'check'>;
  #inARow = 0;
  #checking: Promise<void> | undefined;

  constructor(store: Pick<ObjectStore, 'check'>) {
    this.#store = store;
  }

  /** An object was kept. */
  worked(): void {
    this.#inARow = 0;
  }

  /** Resolves where a session's failure is its own; throws what is the matter where the store can't be used. */
  async judge(error: unknown): Promise<void> {
    if (!isWharfError(error, 'backup_store_failed')) return;
    this.#inARow += 1;
    if (this.#inARow >= MOST_IN_A_ROW) throw error;
    this.#checking ??= this.#store.check().finally(() => {
      this.#checking = undefined;
    });
    try {
      await this.#checking;
    } catch (fault) {
      throw fault instanceof WharfError ? fault : error;
    }
  }
}
