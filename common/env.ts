/** Environment variables by name, as the operating system has them. */
export type Env = Readonly<Record<string, string | undefined>>;

/** The environment of this process: the only place that reads `process.env`. */
export function readEnv(): Env {
  return Object.freeze({ ...process.env });
}
