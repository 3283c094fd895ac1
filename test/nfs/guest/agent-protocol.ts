/** Where the agent of a machine listens, on its control address. */
export const AGENT_PORT = 7000;

/** A line to the agent: first what to run, then what it is to read. */
export interface ToAgent {
  run?: string[];
  env?: Record<string, string>;
  in?: string;
  end?: boolean;
}

/** A line from the agent. */
export interface FromAgent {
  pid?: number;
  out?: string;
  err?: string;
  /** Its exit code, or the signal that ended it: the last line. */
  exit?: number | string | null;
}
