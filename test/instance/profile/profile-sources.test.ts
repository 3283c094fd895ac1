import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type GenerationFacts,
  orderSources,
  type ProfileSource,
} from '../../../instance/profile/profile-sources.ts';

/** `5<3:1p+70+90`: generation 5, copied from 3, ready once, with a profile and good copies of 70 and 90. */
function parse(text: string): GenerationFacts[] {
  return text.split(' ').map((part) => {
    const [, generation, from, ready, profile, copies = ''] =
      /^(\d+)(?:<(\d+))?:(\d)(p?)((?:\+\d+)*)$/.exec(part) ?? [];
    return {
      generation: Number(generation),
      madeFrom: from === undefined ? null : Number(from),
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
  ['3:2p+70 5<3:1p+90', 5, ['5', 'copy 90 of 5', '3 as 5 has it', 'copy 70 of 3']],
  // Copied, and not ready since: the copy may be what is wrong with it, and its source with it.
  ['3:2p+70 5<3:0p', 5, ['5', 'copy 70 of 3']],
  // Nobody wrote down what it was when the next one was made: it may hold anything now.
  ['3:2p+70 5:1p', 5, ['5', 'copy 70 of 3']],
  ['3:2p 5<3:0p 6<5:1p', 6, ['6', '5 as 6 has it']],
  ['3:2p 4<3:1p 5<3:0p', 5, ['5', '3 as 4 has it']],
  // Above the one that is named: its maker ended before it could name it.
  ['3:2p 5<3:1p', 3, ['3']],
  ['3:2p+70 5<3:1', 5, ['3 as 5 has it', 'copy 70 of 3']],
  ['3:2p+70 5<3:0', 5, ['copy 70 of 3']],
];

describe('where a profile can be had from', () => {
  it.each(TABLE)('with %s, and %i named', (generations, current, sources) => {
    expect(orderSources(parse(generations), current).map(show)).toEqual(sources);
  });

  it('is never a generation above the one named, nor an unproven profile of one below, whatever there is', () => {
    const facts = fc.record({
      generation: fc.integer({ min: 1, max: 9 }),
      hasProfile: fc.boolean(),
      readyStarts: fc.integer({ min: 0, max: 2 }),
      madeFrom: fc.option(fc.integer({ min: 1, max: 9 })),
      goodCopies: fc.uniqueArray(fc.integer({ min: 0, max: 99 }), { maxLength: 3 }),
    });
    const sessions = fc.uniqueArray(facts, { selector: ({ generation }) => generation, maxLength: 6 });
    fc.assert(
      fc.property(sessions, fc.integer({ min: 1, max: 9 }), (generations, current) => {
        const sources = orderSources(generations, current);
        for (const source of sources) {
          expect(source.generation).toBeLessThanOrEqual(current);
          if (source.kind === 'good_copy' || source.generation === current) continue;
          const prover = generations.find(({ generation }) => generation === source.provenBy);
          expect(prover).toMatchObject({ madeFrom: source.generation });
          expect(prover?.readyStarts).toBeGreaterThan(0);
        }
        const numbers = sources.map(({ generation }) => generation);
        expect(numbers).toEqual([...numbers].sort((left, right) => right - left));
      }),
    );
  });
});
