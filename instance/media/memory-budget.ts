import { withDeadline } from '../../common/clock.ts';
import { WharfError } from '../../common/errors.ts';
import type { WorkspaceId } from '../../fleet/ids.ts';

/**
 * Bytes of base64 that may be in memory, and those of one workspace: one with slow servers must not hold up the others. What the library and
 * puppeteer make of a file on its way to the page is three times as much again (docs/measurements.md).
 */
const ALL = 32 * 1024 * 1024;
const OF_ONE = ALL / 2;

/** Milliseconds for which room is waited for. */
const PATIENCE = 60_000;

interface Waiting {
  workspace: WorkspaceId;
  bytes: number;
  go: () => void;
}

/** How much media is in memory at one time. What is larger than all of it gets its turn alone. */
export class MemoryBudget {
  readonly #all: number;
  readonly #ofOne: number;
  readonly #patience: number;
  readonly #taken = new Map<WorkspaceId, number>();
  readonly #waiting: Waiting[] = [];
  #sum = 0;

  constructor(all = ALL, ofOne = OF_ONE, patience = PATIENCE) {
    this.#all = all;
    this.#ofOne = ofOne;
    this.#patience = patience;
  }

  /** Bytes taken now. */
  get taken(): number {
    return this.#sum;
  }

  /**
   * Takes room, as soon as there is some.
   *
   * @returns gives it back; a second time it does nothing
   * @throws WharfError `media_unreachable` where there was none for too long
   */
  async take(workspace: WorkspaceId, bytes: number): Promise<() => void> {
    const waiting: Waiting = { workspace, bytes, go: () => {} };
    const turn = new Promise<void>((resolve) => {
      waiting.go = resolve;
    });
    this.#waiting.push(waiting);
    this.#admit();
    try {
      await withDeadline(
        turn,
        this.#patience,
        () =>
          new WharfError(
            'media_unreachable',
            `Too much media was under way for ${this.#patience} ms. Try again later.`,
          ),
      );
    } catch (error) {
      const at = this.#waiting.indexOf(waiting);
      if (at >= 0) this.#waiting.splice(at, 1);
      // It came at the same moment.
      else this.#giveBack(workspace, bytes);
      throw error;
    }
    let given = false;
    return () => {
      if (given) return;
      given = true;
      this.#giveBack(workspace, bytes);
    };
  }

  #giveBack(workspace: WorkspaceId, bytes: number): void {
    this.#add(workspace, -bytes);
    this.#admit();
  }

  #admit(): void {
    for (let at = 0; at < this.#waiting.length; ) {
      const next = this.#waiting[at];
      if (next === undefined) return;
      if (this.#fits(this.#sum, next.bytes, this.#all)) {
        if (this.#fits(this.#taken.get(next.workspace) ?? 0, next.bytes, this.#ofOne)) {
          this.#waiting.splice(at, 1);
          this.#add(next.workspace, next.bytes);
          next.go();
          continue;
        }
        // Only its own workspace is in its way: others may pass.
        at += 1;
      } else return;
    }
  }

  #fits(taken: number, bytes: number, limit: number): boolean {
    return taken === 0 || taken + bytes <= limit;
  }

  #add(workspace: WorkspaceId, bytes: number): void {
    this.#sum += bytes;
    const taken = (this.#taken.get(workspace) ?? 0) + bytes;
    if (taken === 0) this.#taken.delete(workspace);
    else this.#taken.set(workspace, taken);
  }
}
