import type { Clock } from '../../common/clock.ts';
import { withDeadline } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import { SURFACE_USES } from '../whatsapp/surface.ts';
import { type SurfaceGap, surfaceModules } from '../whatsapp/surface-look.ts';
import type { CanaryLine, CheckResult } from './canary-client.ts';
import { CHECKS, type CheckId, type CheckText, SURFACE_TODO } from './checks.ts';

/** How long a check may take where it says nothing else, milliseconds: a machine under load, and a WhatsApp that is slow. */
const LIMIT = 60_000;

/** Makes checks, and keeps how they came out. One that fails stops no other; those that need what failed are skipped by name. */
export class CheckBook {
  readonly results: CheckResult[] = [];
  readonly #tell: (line: CanaryLine) => void;
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #signal: AbortSignal;

  constructor(tell: (line: CanaryLine) => void, clock: Pick<Clock, 'monotonic'>, signal: AbortSignal) {
    this.#tell = tell;
    this.#clock = clock;
    this.#signal = signal;
  }

  /**
   * Makes a check.
   *
   * @param work what it found, for people; or nothing. It throws why the check fails.
   * @returns whether it holds
   */
  async check(id: CheckId, work: () => Promise<unknown>, limit = LIMIT): Promise<boolean> {
    this.#signal.throwIfAborted();
    const text = CHECKS[id];
    this.#tell({ kind: 'begun', title: text.title });
    const began = this.#clock.monotonic();
    const took = () => Math.round(this.#clock.monotonic() - began);
    try {
      const late = () => new Error(`nothing came of it in ${Math.round(limit / 1000)} s`);
      const found = await withDeadline(work(), limit, late);
      const detail = typeof found === 'string' ? found : null;
      this.#add(id, text, { status: 'ok', detail, took_ms: took() });
      return true;
    } catch (error) {
      this.#signal.throwIfAborted();
      const detail = firstLine(messageOf(error));
      this.#add(id, text, { status: 'failed', detail, took_ms: took() });
      return false;
    }
  }

  /** Notes what cannot be looked at. Those that were made already stay. */
  skip(ids: readonly CheckId[], why: string): void {
    for (const id of ids)
      if (!this.results.some((result) => result.id === id))
        this.#add(id, CHECKS[id], { status: 'skipped', detail: why, took_ms: 0 });
  }

  /** Notes which modules of the page lack something. @param gaps null: the page was never looked at */
  surface(gaps: readonly SurfaceGap[] | null): void {
    for (const { module, members } of surfaceModules()) {
      const gap = gaps?.find((one) => one.module === module);
      const text: CheckText = {
        title: members.length === 0 ? `there is ${module}` : `there is ${module} with ${members.join(', ')}`,
        breaks: (gap?.uses ?? []).map((use) => SURFACE_USES[use]).join('; '),
        todo: gap ? SURFACE_TODO : '',
      };
      const found =
        gaps === null
          ? ({ status: 'skipped', detail: 'the page was not reached' } as const)
          : gap === undefined
            ? ({ status: 'ok', detail: null } as const)
            : ({ status: 'failed', detail: lackText(gap) } as const);
      this.#add(`module:${module}`, text, { ...found, took_ms: 0 });
    }
  }

  #add(id: string, text: CheckText, found: Pick<CheckResult, 'status' | 'detail' | 'took_ms'>): void {
    const { title, breaks, todo } = text;
    const check = { id, title, breaks, todo, ...found };
    this.results.push(check);
    this.#tell({ kind: 'check', check });
  }
}

function lackText({ module, members }: SurfaceGap): string {
  return members.length === 0 ? `there is no module ${module}` : `it has no ${members.join(', no ')}`;
}

/** A fault in the page goes on with its stack. Whose account it is stands in no report. */
function firstLine(text: string): string {
  return (text.split('\n', 1)[0] ?? '').replace(/\d{7,}/g, '(number)').slice(0, 500);
}
