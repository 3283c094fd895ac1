import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';

const read = (path: string) => readFile(new URL(`../../docs/${path}`, import.meta.url), 'utf8');
const capacity = await read('capacity.md');
const measurements = await read('measurements.md');

/** Gigabytes that the document keeps for the system, and for an instance's process with its media. */
const SYSTEM = 2;
const PROCESS = 0.13 + 0.2;

describe('docs/capacity.md', () => {
  const rows = [...capacity.matchAll(/^\| (\d+) GB \|((?: \d+ \|)+)$/gm)];

  it.each(rows.map(([, memory, fits]) => [memory, fits]))(
    'gives a machine of %s GB what its formula gives it',
    (memory, fits) => {
      const [header = ''] = capacity.match(/^\| machine \|.*$/m) ?? [];
      const each = [...header.matchAll(/at (\d+) MB/g)].map(([, megabytes]) => Number(megabytes));
      const expected = each.map((megabytes) =>
        Math.floor(((Number(memory) - SYSTEM - PROCESS) * 1000) / megabytes),
      );
      expect(fits?.split('|').map(Number).slice(0, -1)).toEqual(expected);
    },
  );

  it('has machines to look at', () => expect(rows).toHaveLength(5));

  it.each([
    ['43 MB', '**43.2 MB**'],
    ['169 MB', '169.3 MB'],
    ['0.16 % of a core', '0.16 % of a core per session'],
    ['0.42 s (p95 0.47 s)', '417 ms, p95 467 ms'],
    ['4.5 s; 5.2 s', '4.53 s after a clean stop, 5.24 s after kill -9'],
    ['2.8 KB; 2.2 KB', '2.8 KB; 2.2 KB'],
    ['1.25 KB', '1.25 KB'],
    ['97 to 129 MB', '97 to 129 MB'],
    ['6100/s, 12 000/s', '**6122/s**'],
    ['0.29 % of a core', '0.29 %'],
    ['23 s after the loss', '23.2'],
    ['44 ms of router CPU', '| 44 ms |'],
  ])('says %s, as the measurement says %s', (said, measured) => {
    expect(capacity).toContain(said);
    expect(measurements).toContain(measured);
  });
});
