import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../common/clock.ts';
import { WharfError } from '../../common/errors.ts';
import type { WorkspaceId } from '../../fleet/ids.ts';

/** What a link lets its holder have. */
export interface LinkedMedia {
  workspace: WorkspaceId;
  id: string;
  /** Until when, seconds since 1970. */
  expires: number;
}

/** Signs links that hand out one file, without an API key, until a time. All routers of a fleet know the same secret. */
export class MediaLinks {
  readonly #key: Buffer;
  readonly #clock: Clock;

  /** @param internalToken the fleet's secret, of which the key of links is derived */
  constructor(internalToken: string, clock: Clock) {
    this.#key = Buffer.from(hkdfSync('sha256', internalToken, '', 'wharf: links to media', 32));
    this.#clock = clock;
  }

  sign(media: LinkedMedia): string {
    const text = JSON.stringify([media.workspace, media.id, media.expires]);
    return createHmac('sha256', this.#key).update(text).digest('base64url');
  }

  /** @throws WharfError `forbidden` for a signature that is not ours, `link_expired` */
  verify(media: LinkedMedia, signature: string): void {
    const wanted = Buffer.from(this.sign(media));
    const given = Buffer.from(signature);
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) {
      throw new WharfError('forbidden', 'This link was changed, or is not of this fleet. Ask for a new one.');
    }
    if (media.expires * 1000 <= this.#clock.now()) {
      throw new WharfError(
        'link_expired',
        `This link was good until ${new Date(media.expires * 1000).toISOString()}. Ask for a new one.`,
      );
    }
  }
}
