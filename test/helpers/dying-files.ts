import type * as Files from 'node:fs/promises';

/** What a process meets that was killed: nothing it does any more has an effect. */
class Killed extends Error {
  constructor() {
    super('the process was killed');
  }
}

/** After how many changes of the file system the process that makes them is killed. */
export class Death {
  #left = Number.POSITIVE_INFINITY;
  #dead = false;
  /** Changes that were made since the last {@link spare} or {@link after}. */
  changes = 0;

  get isDead(): boolean {
    return this.#dead;
  }

  /** So many changes go through, and the next one and all after it do not. */
  after(changes: number): void {
    this.#left = changes;
    this.#dead = false;
    this.changes = 0;
  }

  /** Everything goes through: another process. */
  spare(): void {
    this.after(Number.POSITIVE_INFINITY);
  }

  /** Throws {@link Killed} where the change is not made. */
  step(): void {
    if (this.#dead || this.changes >= this.#left) {
      this.#dead = true;
      throw new Killed();
    }
    this.changes += 1;
  }
}

const CHANGES = ['rename', 'mkdir', 'rm', 'unlink', 'link', 'chmod', 'writeFile'] as const;

/** `node:fs/promises`, whose changes of the file system stop with the death of the process that makes them. Reading goes on. */
export function dyingFiles(real: typeof Files, death: Death): typeof Files {
  const wrapped: Record<string, unknown> = { ...real };
  for (const name of CHANGES) {
    const change = real[name] as (...given: unknown[]) => Promise<unknown>;
    wrapped[name] = async (...given: unknown[]) => {
      death.step();
      return await change(...given);
    };
  }
  wrapped['open'] = async (...given: Parameters<typeof real.open>) => {
    const [, flags] = given;
    const writes = typeof flags === 'string' ? /[wa+]/.test(flags) : ((flags ?? 0) & 3) !== 0;
    if (writes) death.step();
    return await real.open(...given);
  };
  return wrapped as typeof Files;
}
