import type { Clock } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { Coordination } from '../../fleet/coordination.ts';

/** How long a reading is good for, milliseconds: a planned move takes seconds. */
const FRESH = 500;

/**
 * Which workspaces are being handed over as planned. Read only when somebody has to know, so that a fleet at rest costs nothing, and once
 * for all who ask at one time.
 */
export class MovesUnderWay {
  readonly #coordination: Pick<Coordination, 'moves'>;
  readonly #clock: Clock;
  readonly #log: Logger;
  #workspaces: ReadonlySet<string> = new Set();
  #readAt = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;

  constructor(coordination: Pick<Coordination, 'moves'>, clock: Clock, log: Logger) {
    this.#coordination = coordination;
    this.#clock = clock;
    this.#log = log;
  }

  /** Whether a workspace is between its two instances. Never throws: where Redis is away it is as it was. */
  async has(workspace: string): Promise<boolean> {
    if (this.#clock.monotonic() - this.#readAt > FRESH) {
      this.#reading ??= this.#read().finally(() => {
        this.#reading = undefined;
      });
      await this.#reading;
    }
    return this.#workspaces.has(workspace);
  }

  async #read(): Promise<void> {
    try {
      const moves = await this.#coordination.moves();
      const underWay = moves.filter(({ state }) => state === 'closing' || state === 'adopting');
      this.#workspaces = new Set(underWay.map((move) => move.workspace));
    } catch (error) {
      this.#log.debug({ reason: messageOf(error) }, 'the moves under way cannot be read');
    }
    this.#readAt = this.#clock.monotonic();
  }
}
