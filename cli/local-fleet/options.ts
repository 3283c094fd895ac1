import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from '../../common/errors.ts';
import { defaultDataDirectory } from './record.ts';

/** What `npm start` was asked for. */
export interface LocalFleetOptions {
  /** The router's port; 0 lets the system choose. */
  port: number;
  /** How many instances. */
  instances: number;
  /** Where everything is kept: Redis, the emulator's accounts, sessions, backups, logs. */
  data: string;
  /** The real WhatsApp instead of the emulator. */
  live: boolean;
  /** One line of JSON on standard output when all is ready, for scripts. */
  json: boolean;
}

/** The command line is wrong: the message says how. */
export class WrongUse extends Error {}

const DEFAULT_PORT = 3000;
const DEFAULT_INSTANCES = 2;
/** More on one machine make no sense, and are most likely a slip. */
const MOST_INSTANCES = 64;

/** The help text. */
export const HELP = `Usage: npm start -- [options]

Runs a whole Wharf on this machine, in the foreground: a Redis of its own, an emulated WhatsApp, instances, the router,
and hourly backups.
Ctrl-C ends everything; the sessions stay in the data directory, and come back linked at the next start.

  --port P        port of the router (default ${DEFAULT_PORT}; 0: a free one)
  --instances N   how many instances (default ${DEFAULT_INSTANCES})
  --data DIR      where everything is kept (default .wharf in the repository)
  --live          the real WhatsApp instead of the emulated one; scan the QR with a phone
  --json          prints one line when all is ready: {"url","api_key","emulator","instances":[{"id","pid","url"}],"data"}
  -h, --help      this text

Examples:
  npm start
  npm start -- --port 3100 --instances 4 --data /tmp/wharf
  npm start --silent -- --json
`;

/**
 * Reads the command line.
 *
 * @param words what follows `npm start --`
 * @param directory what a relative `--data` is relative to
 * @returns null when help was asked for
 * @throws WrongUse
 */
export function parseOptions(words: string[], directory: string): LocalFleetOptions | null {
  const { values, positionals } = parse(words);
  if (values.help) return null;
  if (positionals[0] !== undefined)
    throw new WrongUse(`Unknown: ${positionals[0]}. Options begin with two dashes.`);
  if (values.data === '') throw new WrongUse('--data needs a directory.');
  return {
    port: wholeNumber('--port', values.port, DEFAULT_PORT, 0, 65535),
    instances: wholeNumber('--instances', values.instances, DEFAULT_INSTANCES, 1, MOST_INSTANCES),
    data: values.data === undefined ? defaultDataDirectory() : resolve(directory, values.data),
    live: values.live ?? false,
    json: values.json ?? false,
  };
}

function parse(words: string[]) {
  try {
    return parseArgs({
      args: words,
      allowPositionals: true,
      options: {
        port: { type: 'string' },
        instances: { type: 'string' },
        data: { type: 'string' },
        live: { type: 'boolean' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw new WrongUse(messageOf(error));
  }
}

function wholeNumber(
  option: string,
  text: string | undefined,
  otherwise: number,
  least: number,
  most: number,
): number {
  if (text === undefined) return otherwise;
  const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most)) {
    throw new WrongUse(
      `${option} must be a whole number from ${least} to ${most}, not ${text.slice(0, 40)}.`,
    );
  }
  return value;
}
