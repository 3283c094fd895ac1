import { relative } from 'node:path';
import { readEnv } from '../../common/env.ts';
import { messageOf } from '../../common/errors.ts';
import { aborted, Lifecycle, runProcess } from '../../common/lifecycle.ts';
import { createLogger } from '../../common/logger.ts';
import { readyJson, readyText } from './announcement.ts';
import { startLocalFleet } from './fleet.ts';
import { HELP, type LocalFleetOptions, parseOptions, WrongUse } from './options.ts';
import { backupsDirectory, isBackupPlaceGiven } from './plans.ts';
import { defaultDataDirectory } from './record.ts';

/** Milliseconds for all processes to end in; each has its own, shorter one, after which it is killed. */
const CLOSE_TIME = 90_000;
const WRONG_USE = 2;

/** Progress and what happens goes to standard error: standard output is for the result. */
const tell = (line: string) => process.stderr.write(`  ${line}\n`);

async function main(signal: AbortSignal): Promise<number> {
  let options: LocalFleetOptions | null;
  try {
    options = parseOptions(process.argv.slice(2), process.cwd());
  } catch (error) {
    if (!(error instanceof WrongUse)) throw error;
    process.stderr.write(`${messageOf(error)}\n\n${HELP}`);
    return WRONG_USE;
  }
  if (options === null) {
    process.stdout.write(HELP);
    return 0;
  }
  return await run(options, signal);
}

async function run(options: LocalFleetOptions, signal: AbortSignal): Promise<number> {
  const parts = new Lifecycle(createLogger('warn', { service: 'local-fleet' }, process.stderr), CLOSE_TIME);
  const stopped = aborted(signal);
  process.stderr.write(`Wharf: starting a local fleet from ${shown(options.data)}\n`);
  try {
    const env = readEnv();
    const started = startLocalFleet(options, env, parts, tell, signal);
    const record = await Promise.race([started, stopped]);
    if (record !== undefined) {
      const isDefault = options.data === defaultDataDirectory();
      const backups = isBackupPlaceGiven(env) ? null : shown(backupsDirectory(options.data));
      process.stdout.write(
        options.json
          ? readyJson(record, options.data)
          : readyText(record, shown(options.data), backups, isDefault),
      );
      await stopped;
    }
    process.stderr.write('Wharf: ending\n');
    const clean = await parts.close();
    // One that was still starting fails now, since what it started was ended: that was asked for.
    await started.catch(() => undefined);
    return clean ? 0 : 1;
  } catch (error) {
    await parts.close();
    throw error;
  }
}

/** A path as a person in the current directory would write it. */
function shown(path: string): string {
  const short = relative(process.cwd(), path);
  return short !== '' && !short.startsWith('..') ? short : path;
}

await runProcess(main);
