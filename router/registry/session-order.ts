import { WharfError } from '../../common/errors.ts';

/** Where a session stands in the order of lists. */
export interface SessionPlace {
  workspace: string;
  session: string;
}

/** Numeric workspaces first, by number, then the others by their text, then sessions by theirs: an order that nothing but the ids decides. */
export function compareSessions(a: SessionPlace, b: SessionPlace): number {
  return compareWorkspaces(a.workspace, b.workspace) || compareText(a.session, b.session);
}

function compareWorkspaces(a: string, b: string): number {
  if (a === b) return 0;
  const [numericA, numericB] = [isNumeric(a), isNumeric(b)];
  if (numericA !== numericB) return numericA ? -1 : 1;
  return numericA ? Number(a) - Number(b) : compareText(a, b);
}

function isNumeric(text: string): boolean {
  const first = text.charCodeAt(0);
  return first >= 48 && first <= 57 && /^\d+$/.test(text);
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** A place as an opaque word for callers. */
export function encodeCursor(place: SessionPlace): string {
  return Buffer.from(`${place.workspace}/${place.session}`).toString('base64url');
}

/**
 * The place a cursor names. The session there may be gone since: the list goes on after where it stood.
 *
 * @throws WharfError `invalid_request` for a cursor that no list gave
 */
export function decodeCursor(cursor: string): SessionPlace {
  const match = /^([A-Za-z0-9_-]{1,64})\/([A-Za-z0-9_-]{1,64})$/.exec(
    Buffer.from(cursor, 'base64url').toString('latin1'),
  );
  if (!match?.[1] || !match[2]) {
    throw new WharfError(
      'invalid_request',
      'query.cursor: is not a cursor of this list; give back next_cursor as it came',
      {
        faults: [{ path: 'query.cursor', message: 'is not a cursor of this list' }],
      },
    );
  }
  return { workspace: match[1], session: match[2] };
}
