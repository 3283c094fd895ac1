import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../../common/clock.ts';
import { eventTypeSchema } from '../../fleet/events/event.ts';
import type { EventFilter } from '../../fleet/events/event-log.ts';
import { sessionIdSchema, workspaceIdSchema } from '../../fleet/ids.ts';

/** What a ticket says: who let its holder read what, and until when (Unix milliseconds). */
const claimsSchema = z.strictObject({
  key: z.string(),
  until: z.number(),
  workspace: workspaceIdSchema.optional(),
  session: sessionIdSchema.optional(),
  types: z.array(eventTypeSchema).optional(),
});

/** A ticket that was found good. */
export interface Ticket {
  /** The id of the API key it was made with. */
  keyId: string;
  until: number;
  filter: EventFilter;
}

/**
 * Tickets for streams of events. `EventSource` in a browser can set no header, and an API key in an address ends up in logs: so whoever has a key
 * makes a ticket, which reads these events for a while and can do nothing else. Every router makes and takes the same ones; nothing is kept of them.
 */
export class Tickets {
  readonly #secret: Buffer;
  readonly #clock: Clock;

  /** @param token what all routers know and nobody else does */
  constructor(token: string, clock: Clock) {
    this.#secret = createHmac('sha256', token).update('wharf event ticket 1').digest();
    this.#clock = clock;
  }

  issue({ keyId, until, filter }: Ticket): string {
    const claims = Buffer.from(JSON.stringify({ key: keyId, until, ...filter })).toString('base64url');
    return `${claims}.${this.#sign(claims).toString('base64url')}`;
  }

  /** What a ticket allows; undefined where it was not made here, was changed, or has run out. */
  check(text: string): Ticket | undefined {
    const [claims = '', signature = '', ...more] = text.split('.');
    const given = Buffer.from(signature, 'base64url');
    const right = this.#sign(claims);
    if (more.length > 0 || given.length !== right.length || !timingSafeEqual(given, right)) return undefined;
    const { key, until, workspace, session, types } = claimsSchema.parse(
      JSON.parse(Buffer.from(claims, 'base64url').toString()),
    );
    const filter = {
      ...(workspace === undefined ? {} : { workspace }),
      ...(session === undefined ? {} : { session }),
      ...(types === undefined ? {} : { types }),
    };
    return this.isOver(until) ? undefined : { keyId: key, until, filter };
  }

  isOver(until: number): boolean {
    return this.#clock.now() >= until;
  }

  #sign(claims: string): Buffer {
    return createHmac('sha256', this.#secret).update(claims).digest();
  }
}
