import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';

type Colours = Record<string, string>;

let light: Colours;
let dark: Colours;

beforeAll(async () => {
  const file = new URL('../../router/web/styles/tokens.css', import.meta.url);
  const both = [
    ...(await readFile(file, 'utf8')).matchAll(/--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g),
  ];
  light = Object.fromEntries(both.map(([, name, day]) => [name, day]));
  dark = Object.fromEntries(both.map(([, name, , night]) => [name, night]));
});

/** Relative luminance by WCAG 2.2. */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(colours: Colours, one: string, other: string): number {
  const of = (name: string) => {
    const colour = colours[name];
    if (colour === undefined) throw new Error(`there is no colour ${name}`);
    return luminance(colour);
  };
  const [brighter = 0, darker = 0] = [of(one), of(other)].sort((a, b) => b - a);
  return (brighter + 0.05) / (darker + 0.05);
}

const TEXTS: [text: string, ground: string][] = [
  ...['ground', 'surface', 'hover'].flatMap((ground): [string, string][] => [
    ['text', ground],
    ['muted', ground],
    ['accent', ground],
  ]),
  ['on-accent', 'accent'],
  ['on-accent', 'accent-strong'],
  ['danger', 'surface'],
  ['on-danger', 'danger'],
  ['on-danger', 'danger-strong'],
  ['surface', 'text'],
  ['attention', 'surface'],
  ['attention', 'hover'],
  ['bad', 'surface'],
  ['bad', 'hover'],
  ...['good', 'progress', 'attention', 'bad', 'idle'].map((tone): [string, string] => [
    tone,
    `${tone}-ground`,
  ]),
];

const SHAPES: [shape: string, ground: string][] = [
  ['control-line', 'surface'],
  ['control-line', 'ground'],
  ['accent', 'ground'],
  ['accent', 'idle-ground'],
  ['danger', 'surface'],
  ...['good', 'progress', 'attention', 'bad', 'idle'].map((tone): [string, string] => [
    `${tone}-strong`,
    'surface',
  ]),
];

describe('the colours of the web page (WCAG 2.2 AA)', () => {
  it.each(TEXTS)('let %s be read on %s, by day and by night', (text, ground) => {
    expect(contrast(light, text, ground)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(dark, text, ground)).toBeGreaterThanOrEqual(4.5);
  });

  it.each(SHAPES)('let %s be told from %s, by day and by night', (shape, ground) => {
    expect(contrast(light, shape, ground)).toBeGreaterThanOrEqual(3);
    expect(contrast(dark, shape, ground)).toBeGreaterThanOrEqual(3);
  });
});
