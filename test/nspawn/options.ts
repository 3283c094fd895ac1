import { parseArgs } from 'node:util';

export interface ProofOptions {
  /** Each fault once. */
  quick: boolean;
  /** Where the figures are written. */
  json: string | undefined;
  /** Leave the directory with the machines' files. */
  keep: boolean;
  /** The package; without it one is built. */
  deb: string | undefined;
  /** Given by the proof to itself, for its part that runs in namespaces of its own: the directory for its files, and control groups. */
  inside: string | undefined;
  groups: string[];
}

/** Reads the command line. Throws on what it does not know. */
export function readOptions(): ProofOptions {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'string' },
      keep: { type: 'boolean', default: false },
      deb: { type: 'string' },
      inside: { type: 'string' },
      group: { type: 'string', multiple: true, default: [] },
    },
  });
  const { quick, json, keep, deb, inside, group } = values;
  return { quick, json, keep, deb, inside, groups: group };
}
