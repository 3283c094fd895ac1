import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type GenerationFacts,
  orderSources,
  type ProfileSource,
} from '../../../instance/profile/profile-sources.ts';

/** `5<3*70:1p+90`: generation 5, copied from the profile of 3 where there was a good copy of 70, ready once, with a profile and a good copy of 90; `<<` is from a copy. */
function parse(text: string): GenerationFacts[] {
  return text.split(' ').map((part) => {
    const [, generation, arrow = '', from, seen = '', ready, profile, copies = ''] =
      /^(\d+)(?:(<<?)(\d+)((?:\*\d+)*))?:(\d)(p?)((?:\+\d+)*)$/.exec(part) ?? [];
    const adopted = {
      from: Number(from),
      hasFiles: arrow === '<',
      goodCopies: seen.split('*').slice(1).map(Number),
    };
    return {
      generation: Number(generation),
      adopted: arrow === '' ? null : adopted,
      readyStarts: Number(ready),
      hasProfile: profile === 'p',
      goodCopies: copies.split('+').slice(1).map(Number),
    };
  });
}

const show = (source: ProfileSource) =>
  source.kind === 'good_copy'
    ? `copy ${source.time} of ${source.generation}`
    : `${source.generation}${source.provenBy === null ? '' : ` as ${source.provenBy} has it`}`;

const TABLE: [generations: string, current: number, sources: string[]][] = [
  ['3:2p', 3, ['3']],
  ['3:0p', 3, ['3']],
  ['3:2', 3, []],
  ['3:2p+70+90', 3, ['3', 'copy 90 of 3', 'copy 70 of 3']],
  ['3:2p 5<3:1p', 5, ['5', '3 as 5 has it']],
  ['3:2p+70 5<3*70:1p+90', 5, ['5', 'copy 90 of 5', '3 as 5 has it', 'copy 70 of 3']],
  // Copied, and not ready since: the copy may be what is wrong with it, and its source with it.
  ['3:2p+70 5<3*70:0p', 5, ['5', 'copy 70 of 3']],
  // Kept by an owner that had lost the session: it may hold anything.
  ['3:2p+70+80 5<3*70:0p', 5, ['5', 'copy 70 of 3']],
  ['3:2p+70 5<3:1p', 5, ['5', '3 as 5 has it']],
  // Nobody wrote down what it was when the next one was made: it may hold anything now.
  ['3:2p+70 5:1p', 5, ['5']],
  // Made from a good copy: of the profile that was passed over nothing is known.
  ['3:2p+70 5<<3*70:1p', 5, ['5', 'copy 70 of 3']],
  ['3:2p 5<3:0p 6<5:1p', 6, ['6', '5 as 6 has it']],
  ['3:2p 4<3:1p 5<3:0p', 5, ['5', '3 as 4 has it']],
  // Above the one that is named: its maker ended before it could name it.
  ['3:2p 5<3:1p', 3, ['3']],
  ['3:2p+70 5<3*70:1', 5, ['3 as 5 has it', 'copy 70 of 3']],
  ['3:2p+70 5<3*70:0', 5, ['copy 70 of 3']],
];

describe('where a profile can be had from', () => {
  it.each(TABLE)('with %s, and %i named', (generations, current, sources) => {
    expect(orderSources(parse(generations), current).map(show)).toEqual(sources);
  });

  it('is never a generation above the one named, nor anything of one below that no later one vouches for', () => {
    const facts = fc.record({
      generation: fc.integer({ min: 1, max: 9 }),
      hasProfile: fc.boolean(),
      readyStarts: fc.integer({ min: 0, max: 2 }),
      adopted: fc.option(
        fc.record({
          from: fc.integer({ min: 1, max: 9 }),
          hasFiles: fc.boolean(),
          goodCopies: fc.array(fc.integer({ min: 0, max: 99 }), { maxLength: 3 }),
        }),
      ),
      goodCopies: fc.uniqueArray(fc.integer({ min: 0, max: 99 }), { maxLength: 3 }),
    });
    const sessions = fc.uniqueArray(facts, { selector: ({ generation }) => generation, maxLength: 6 });
    fc.assert(
      fc.property(sessions, fc.integer({ min: 1, max: 9 }), (generations, current) => {
        const sources = orderSources(generations, current);
        for (const source of sources) {
          expect(source.generation).toBeLessThanOrEqual(current);
          if (source.generation === current) continue;
          const makers = generations.filter(({ adopted }) => adopted?.from === source.generation);
          const knows = makers.some((maker) =>
            source.kind === 'good_copy'
              ? maker.adopted?.goodCopies.includes(source.time)
              : maker.generation === source.provenBy && maker.adopted?.hasFiles && maker.readyStarts > 0,
          );
          expect(knows).toBe(true);
        }
        const numbers = sources.map(({ generation }) => generation);
        expect(numbers).toEqual([...numbers].sort((left, right) => right - left));
      }),
    );
  });
});
