import { sep } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  parseGenerationDirectory,
  parseGenerationInMaking,
  parseGoodCopy,
  parseSessionDirectory,
  parseTrashEntryName,
  parseWorkspaceDirectory,
  SessionPaths,
  trashEntryName,
} from '../../fleet/session-paths.ts';

const paths = new SessionPaths('/mnt/efs/sessions');
const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);
const number = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });

describe('SessionPaths', () => {
  it('puts everything where the design says', () => {
    const name = { workspace: '7', session: 'main', generation: 12 };
    const base = '/mnt/efs/sessions/workspace_7';
    expect(paths.fleet()).toBe('/mnt/efs/sessions/fleet');
    expect(paths.claim('7', 41)).toBe(`${base}/owners/41`);
    expect(paths.sessionRecord('7', 'main')).toBe(`${base}/session_main/session.json`);
    expect(paths.generation(name)).toBe(`${base}/session_main/gen-12`);
    expect(paths.userData(name)).toBe(`${base}/session_main/gen-12/session-main`);
    expect(paths.profileRecord(name)).toBe(`${base}/session_main/gen-12/wharf-profile.json`);
    expect(paths.tornTails(name)).toBe(`${base}/session_main/gen-12/torn-tails`);
    expect(paths.releaseList(name)).toBe(`${base}/session_main/gen-12/wharf-release.json`);
    expect(paths.adoptedList(name)).toBe(`${base}/session_main/gen-12/wharf-adopted.json`);
    expect(paths.goodCopy(name, Date.UTC(2026, 10, 22))).toBe(
      `${base}/session_main/gen-12/good-copies/20261122T000000000Z`,
    );
    expect(paths.restoredProfile(name)).toBe(`${base}/session_main/gen-12/restored-profile`);
    expect(paths.lostProfile(name)).toBe(`${base}/session_main/gen-12/lost-profile`);
    expect(paths.generationInMaking(name)).toBe(`${base}/session_main/gen-12.making`);
    expect(paths.trash('7')).toBe(`${base}/trash`);
  });

  it('makes a relative session path absolute, and refuses an empty one', () => {
    expect(new SessionPaths('x').fleet().startsWith(sep)).toBe(true);
    expect(new SessionPaths('/').fleet()).toBe('/fleet');
    expect(() => new SessionPaths('')).toThrow(/empty/);
    expect(() => new SessionPaths('a\0b')).toThrow(/NUL/);
  });

  it('never leaves the session path, whatever is passed for an id', () => {
    const anything = fc.oneof(
      fc.string(),
      fc.constantFrom('..', '../..', '.', '/etc', 'a/../../b', '007', ''),
      fc.anything(),
    );
    fc.assert(
      fc.property(anything, anything, anything, (workspace, session, generation) => {
        const name = { workspace, session, generation } as {
          workspace: string;
          session: string;
          generation: number;
        };
        let path: string;
        try {
          path = paths.userData(name);
        } catch (error) {
          expect(error).toMatchObject({ code: 'invalid_request' });
          return;
        }
        expect(path).toMatch(
          /^\/mnt\/efs\/sessions\/workspace_[\w-]{1,64}\/session_[\w-]{1,64}\/gen-\d+\/session-[\w-]{1,64}$/,
        );
      }),
      { numRuns: 5000 },
    );
  });

  it.each([0, -1, 1.5, Number.NaN, 2 ** 53])('refuses %d as a generation and as an epoch', (value) => {
    expect(() => paths.generation({ workspace: '7', session: 'main', generation: value })).toThrow(
      /generation/,
    );
    expect(() => paths.claim('7', value)).toThrow(/epoch/);
  });

  it('does not put a long or strange id into its error', () => {
    expect(() => paths.workspace('\u001b[31m'.repeat(5000))).toThrow(/^.{0,160}$/);
    expect(() => paths.workspace('a\nb')).toThrow(/"a\\nb"/);
  });
});

describe('names of directories', () => {
  it('are read back as what they were made of', () => {
    fc.assert(
      fc.property(id, number, (session, generation) => {
        const parts = paths.generation({ workspace: 'acme', session, generation }).split('/');
        expect(parseWorkspaceDirectory(parts.at(-3) ?? '')).toBe('acme');
        expect(parseSessionDirectory(parts.at(-2) ?? '')).toBe(session);
        expect(parseGenerationDirectory(parts.at(-1) ?? '')).toBe(generation);
      }),
    );
  });

  it('tell a generation that is being made from one that is complete', () => {
    fc.assert(
      fc.property(id, number, (session, generation) => {
        const name = { workspace: '7', session, generation };
        const making = paths.generationInMaking(name).split('/').at(-1) ?? '';
        expect(parseGenerationDirectory(making)).toBeNull();
        expect(parseGenerationInMaking(making)).toBe(generation);
        expect(parseGenerationInMaking(paths.generation(name).split('/').at(-1) ?? '')).toBeNull();
      }),
    );
  });

  it('tell when a good copy was made, and one that is not complete is none', () => {
    const time = Date.UTC(2026, 10, 22, 3, 4, 5, 678);
    const name =
      paths.goodCopy({ workspace: '7', session: 'main', generation: 1 }, time).split('/').at(-1) ?? '';
    expect(parseGoodCopy(name)).toBe(time);
    for (const other of [`${name}.making`, `${name}1`, 'latest', '']) expect(parseGoodCopy(other)).toBeNull();
  });

  it.each(['workspace_', 'workspace_007', 'workspace_..', 'Workspace_7', 'fleet', 'workspace_a.b'])(
    '%j is no workspace',
    (name) => {
      expect(parseWorkspaceDirectory(name)).toBeNull();
    },
  );

  it.each([
    'gen-',
    'gen-0',
    'gen-01',
    'gen--1',
    'gen-1.5',
    'gen-9007199254740992',
    'gen-1.tmp',
    'gen-1.making',
  ])('%j is no generation', (name) => {
    expect(parseGenerationDirectory(name)).toBeNull();
  });
});

describe('names in the trash', () => {
  const time = fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) });

  it('are read back as what they were made of, whatever the session is called', () => {
    fc.assert(
      fc.property(id, time, fc.option(number), (session, at, generation) => {
        const entry = { session, time: at, generation };
        expect(parseTrashEntryName(trashEntryName(entry))).toEqual(entry);
        const replaced = { session, time: at, generation: null, replaced: true } as const;
        expect(parseTrashEntryName(trashEntryName(replaced))).toEqual(replaced);
      }),
    );
  });

  it('sort by time', () => {
    fc.assert(
      fc.property(time, time, (left, right) => {
        const name = (at: number) => trashEntryName({ session: 'a', time: at, generation: null });
        expect(name(left) < name(right)).toBe(left < right);
      }),
    );
  });

  it.each([
    '',
    'notes.txt',
    '20261122T103000000Z',
    '20261122T103000000Z.main',
    '20261322T103000000Z.session_main',
    '20261122T103000000Z.session_main.gen-0',
    '20261122T103000000Z.session_main.gen-3.replaced',
    '20261122T103000000Z.session_main.replaced.gen-3',
    '20261122T103000000Z.session_main.gen-1.x',
  ])('%j is none', (name) => {
    expect(parseTrashEntryName(name)).toBeNull();
  });
});
