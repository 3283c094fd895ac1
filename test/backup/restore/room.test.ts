import { describe, expect, it } from 'vitest';
import { freeFor, requireRoom, roomWarning } from '../../../backup/restore/room.ts';

const GB = 1e9;
const facts = (bytes: number, free: number, promised = 0) => ({
  bytes: bytes * GB,
  promised: promised * GB,
  space: { free: free * GB, total: 1000 * GB },
});

describe('the room for a restore', () => {
  it('is enough where a tenth of the file system is left after it', () => {
    expect(roomWarning(facts(100, 206))).toBeNull();
    expect(roomWarning(facts(0, 0))).toBeNull();
  });

  it('is warned of where less is left, with the numbers', () => {
    expect(roomWarning(facts(100, 204))).toMatch(
      /^Of the session path's 1000 GB, 204 GB are free, and 99\.0 GB are left after it/,
    );
  });

  it('is too little where files in whole blocks take more than is free', () => {
    const tight = facts(100, 104);
    expect(roomWarning(tight)).toMatch(
      /^It does not fit: 100 GB are to be written .* 104 GB of 1000 GB are free/,
    );
    expect(() => requireRoom('/mnt/sessions', tight.bytes, freeFor(tight))).toThrow(
      /writes 100 GB to the session path \/mnt\/sessions, and 104 GB are free there\. Enlarge/,
    );
    const enough = facts(100, 106);
    expect(() => requireRoom('/mnt/sessions', enough.bytes, freeFor(enough))).not.toThrow();
    expect(() => requireRoom('/mnt/sessions', 0, 0)).not.toThrow();
  });

  it('does not count what another restore is about to write', () => {
    const second = facts(100, 300, 200);
    expect(freeFor(second)).toBe(90 * GB);
    expect(roomWarning(second)).toMatch(/It does not fit/);
    expect(freeFor(facts(100, 1, 200))).toBe(0);
  });

  it('is not known where the file system does not tell its size', () => {
    const unknown = { bytes: GB, promised: 0, space: { free: 0, total: 0 } };
    expect(freeFor(unknown)).toBeNull();
    expect(roomWarning(unknown)).toBeNull();
    expect(() => requireRoom('/mnt/sessions', GB, null)).not.toThrow();
  });
});
