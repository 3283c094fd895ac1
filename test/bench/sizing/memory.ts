/** A machine of EC2. */
export interface MachineType {
  name: string;
  gib: number;
}

/** What an example of infra/terraform/examples is made for. */
export interface FleetSize {
  sessions: number;
  machines: number;
  machine: MachineType;
  sessionsPerMachine: number;
}

/** Memory of all processes of an instance, megabytes (PSS), by its sessions: `npm run bench:session`, docs/measurements.md, emulated page. */
export const MEASURED: readonly { sessions: number; perSession: number }[] = [
  { sessions: 1, perSession: 221 },
  { sessions: 5, perSession: 76.7 },
  { sessions: 15, perSession: 49.3 },
  { sessions: 25, perSession: 43.2 },
];

/**
 * What an instance needs by itself and what each session adds, megabytes: least squares through the totals that were measured.
 *
 * @throws Error for fewer than two measurements
 */
export function fitMemory(measured = MEASURED): { fixed: number; perSession: number } {
  if (measured.length < 2) throw new Error('A line goes through two measurements at least.');
  const totals = measured.map(({ sessions, perSession }) => ({ x: sessions, y: sessions * perSession }));
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [mean(totals.map((total) => total.x)), mean(totals.map((total) => total.y))];
  const slope =
    totals.reduce((sum, total) => sum + (total.x - x) * (total.y - y), 0) /
    totals.reduce((sum, total) => sum + (total.x - x) ** 2, 0);
  return { fixed: y - slope * x, perSession: slope };
}

/** GiB that so many sessions need, at megabytes (10^6) each. */
export function gibOf(sessions: number, megabytes: number): number {
  return (sessions * megabytes * 1e6) / 1024 ** 3;
}

/**
 * Sessions a machine takes: its memory but for what the system, the file cache and starting browsers need.
 *
 * @param share of the memory that sessions may fill, 0 to 1
 */
export function sessionsThatFit(machine: MachineType, megabytes: number, share: number): number {
  return Math.floor((machine.gib * 1024 ** 3 * share) / (megabytes * 1e6));
}

/**
 * The least number of machines that still hold all sessions when one of them is lost, with a margin.
 *
 * @param margin free places beyond that, as a share of the sessions
 */
export function machinesNeeded(sessions: number, perMachine: number, margin: number): number {
  return Math.ceil((sessions * (1 + margin)) / perMachine) + 1;
}

/** Sessions without a place when one of the machines is lost, all of them together having so many sessions. */
export function withoutPlace(size: { sessions: number; machines: number; perMachine: number }): number {
  return Math.max(0, size.sessions - (size.machines - 1) * size.perMachine);
}
