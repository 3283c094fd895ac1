import { parseArgs } from 'node:util';

/** The parts of the proof, in the order they are run. */
export const PARTS = [
  'visibility',
  'races',
  'host-names',
  'cut-off',
  'server-restart',
  'failover',
  'power-off',
] as const;
export type Part = (typeof PARTS)[number];

/** Mount options beyond `vers=4.1` that are compared; `relatime` is the default. */
const MOUNTS = [
  'relatime',
  'lookupcache=positive',
  'lookupcache=none',
  'actimeo=0',
  'lookupcache=positive,nocto',
] as const;

export interface ProofOptions {
  parts: Part[];
  /** Those of {@link MOUNTS} that are compared. */
  mounts: string[];
  /** Claims made and records replaced for each figure. */
  samples: number;
  /** Races under each mount option; a quarter of it with equal host names. */
  races: number;
  /** Machines whose power is taken, with delegations and without. */
  rounds: number;
  seed: number;
  json: string | undefined;
  /** Leave the consoles' logs. */
  keep: boolean;
  /** The directory for its files: given by the proof to itself, for its part that runs in namespaces of its own. */
  inside: string | undefined;
}

/** Reads the command line. Throws on what it does not know. */
export function readOptions(): ProofOptions {
  const { values } = parseArgs({
    options: {
      parts: { type: 'string', default: PARTS.join(',') },
      mounts: { type: 'string', default: MOUNTS.join(' ') },
      samples: { type: 'string', default: '20' },
      races: { type: 'string', default: '200' },
      rounds: { type: 'string', default: '3' },
      seed: { type: 'string', default: '20261122' },
      json: { type: 'string' },
      keep: { type: 'boolean', default: false },
      inside: { type: 'string' },
    },
  });
  const parts = values.parts.split(',').map((name) => {
    const part = PARTS.find((one) => one === name);
    if (part === undefined) throw new Error(`--parts: there is no ${name}; there are ${PARTS.join(', ')}`);
    return part;
  });
  return {
    parts,
    mounts: values.mounts.split(' '),
    samples: positive('samples', values.samples),
    races: positive('races', values.races),
    rounds: positive('rounds', values.rounds),
    seed: positive('seed', values.seed),
    json: values.json,
    keep: values.keep,
    inside: values.inside,
  };
}

function positive(name: string, text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1)
    throw new Error(`--${name} must be a whole number, at least 1, not ${text}`);
  return number;
}
