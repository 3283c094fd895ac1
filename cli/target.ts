import { resolve } from 'node:path';
import type { Env } from '../common/env.ts';
import { CommandFailure, EXIT_WRONG_USE } from './failure.ts';
import { defaultDataDirectory, localFleetFile, readLocalFleet } from './local-fleet/record.ts';

/** Where a command's requests go, and with which key. */
export interface Target {
  /** The router, without a slash at the end. */
  url: string;
  key: string;
  /** Where the URL was found, for errors. */
  from: string;
}

/** What may name the router on the command line. */
export interface TargetOptions {
  url?: string;
  key?: string;
  /** The local fleet's data directory. */
  data?: string;
}

/**
 * Finds the router and a key for it: `--url` and `--key`; else `WHARF_URL` and `WHARF_API_KEY`; else the local fleet of the data directory.
 * A local fleet's key is only ever sent to that fleet's own URL.
 *
 * @throws CommandFailure that names the ways there are
 */
export async function findTarget(options: TargetOptions, env: Env): Promise<Target> {
  const [url, from] = options.url ? [options.url, '--url'] : [env['WHARF_URL'], 'WHARF_URL'];
  const key = options.key ?? env['WHARF_API_KEY'];
  if (url) {
    const checked = checkUrl(url, from);
    if (key) return { url: checked, key, from };
    const local = await readLocalFleet(dataDirectory(options));
    if (local && checkUrl(local.url, 'the local fleet') === checked)
      return { url: checked, key: local.api_key, from };
    throw new CommandFailure(
      `There is no API key for ${checked}: give it by WHARF_API_KEY or --key. "wharf keys create" makes one, with an admin key.`,
      { code: 'no_key' },
    );
  }
  const directory = dataDirectory(options);
  const local = await readLocalFleet(directory);
  if (local)
    return {
      url: checkUrl(local.url, 'the local fleet'),
      key: key ?? local.api_key,
      from: localFleetFile(directory),
    };
  throw new CommandFailure(
    [
      'No fleet was named, and none runs here. Three ways to say which:',
      `  npm start                              starts a local fleet, and commands find it (looked for ${localFleetFile(directory)})`,
      '  WHARF_URL=... WHARF_API_KEY=... wharf  in the environment',
      '  wharf --url URL --key KEY              on the command line (other users of this machine can see it)',
    ].join('\n'),
    { code: 'no_fleet' },
  );
}

/** The data directory a command looks for a local fleet in. */
export function dataDirectory(options: TargetOptions): string {
  return options.data ? resolve(options.data) : defaultDataDirectory();
}

function checkUrl(text: string, from: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new CommandFailure(`${from} must be an http or https address such as http://127.0.0.1:3000.`, {
      code: 'invalid_url',
      exitCode: EXIT_WRONG_USE,
    });
  }
  return url.origin + url.pathname.replace(/\/+$/, '');
}
