/** Tells on standard error how the proof goes on, with the seconds since its start. */
export function say(line: string): void {
  process.stderr.write(`${String(Math.round(performance.now() / 1000)).padStart(5)} s  ${line}\n`);
}
