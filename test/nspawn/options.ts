import { parseArgs } from 'node:util';

/** The parts of the proof after a fleet has come up, in the order they are run. */
const PARTS = ['faults', 'stops', 'reboots', 'upgrade', 'token', 'runbook', 'secrets', 'removal'] as const;
export type Part = (typeof PARTS)[number];

export type Share = 'local' | 'glusterfs';

export interface ProofOptions {
  parts: Part[];
  /** What the machines share: a directory of this machine, or a GlusterFS volume of the hub's. */
  share: Share;
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
      parts: { type: 'string', default: PARTS.join() },
      share: { type: 'string', default: 'local' },
      quick: { type: 'boolean', default: false },
      json: { type: 'string' },
      keep: { type: 'boolean', default: false },
      deb: { type: 'string' },
      inside: { type: 'string' },
      group: { type: 'string', multiple: true, default: [] },
    },
  });
  const { quick, json, keep, deb, inside, group } = values;
  const parts = values.parts.split(',').map((name) => {
    const part = PARTS.find((one) => one === name);
    if (part === undefined) throw new Error(`--parts: there is no ${name}; there are ${PARTS.join(', ')}`);
    return part;
  });
  if (values.share !== 'local' && values.share !== 'glusterfs')
    throw new Error(`--share is local or glusterfs, not ${values.share}`);
  return { parts, share: values.share, quick, json, keep, deb, inside, groups: group };
}
