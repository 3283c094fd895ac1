/** Progress for people goes to standard error, so that standard output stays free for results. */

/** Prints one short line. */
export function say(line) {
  process.stderr.write(`${line}\n`);
}

/**
 * Runs a step that may take long: says what begins, and how long it took.
 *
 * @param {string} what for people: `Node packages: npm ci`
 * @param {() => Promise<T> | T} work
 * @returns {Promise<T>}
 * @template T
 */
export async function step(what, work) {
  say(`  ${what} ...`);
  const started = performance.now();
  const result = await work();
  say(`  ${what}: done in ${seconds(performance.now() - started)}`);
  return result;
}

/**
 * Tries a step that may fail without everything failing.
 *
 * @param {string} what for people
 * @param {() => Promise<string | undefined>} work gives why it could not be done, or undefined
 * @returns {Promise<string | undefined>} the same
 */
export async function attempt(what, work) {
  say(`  ${what} ...`);
  const started = performance.now();
  const fault = await work();
  say(
    `  ${what}: ${fault === undefined ? 'done in' : 'not possible, known after'} ${seconds(performance.now() - started)}`,
  );
  return fault;
}

/** Milliseconds as people read them: `0.4 s`, `12 s`. */
export function seconds(milliseconds) {
  const value = milliseconds / 1000;
  return value < 10 ? `${value.toFixed(1)} s` : `${Math.round(value)} s`;
}

/** A failure that is told to people by its message alone; anything else thrown is a bug and shows its stack. */
export class SetupError extends Error {}

/** Runs the main function of a script and decides the exit code. */
export async function runScript(main) {
  try {
    process.exitCode = (await main()) ?? 0;
  } catch (error) {
    say(error instanceof SetupError ? `\n${error.message}` : String(error?.stack ?? error));
    process.exitCode = 1;
  }
}
