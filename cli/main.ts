import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { runProcess } from '../common/lifecycle.ts';
import { runCommandLine } from './program.ts';
import { processTerminal } from './terminal.ts';

/** package.json, seen from dist/cli. */
const PACKAGE = new URL('../../package.json', import.meta.url);

await runProcess(async (signal) => {
  const { version } = z.object({ version: z.string() }).parse(JSON.parse(await readFile(PACKAGE, 'utf8')));
  return runCommandLine(process.argv.slice(2), processTerminal(signal), version);
});
