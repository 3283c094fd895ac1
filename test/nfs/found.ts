import type { CutOff } from './parts/cut-off.ts';
import type { Failover } from './parts/failover.ts';
import type { HostNames } from './parts/host-names.ts';
import type { PowerOff } from './parts/power-off.ts';
import type { Races } from './parts/races.ts';
import type { ServerRestart } from './parts/server-restart.ts';
import type { claimDelay, replaceDelay } from './parts/visibility.ts';

/** What was found, by part. */
export interface Found {
  visibility: { mount: string; what: string; delay: Awaited<ReturnType<typeof claimDelay>> }[];
  replaced: { mount: string; delay: Awaited<ReturnType<typeof replaceDelay>> }[];
  races: { mount: string; races: Races }[];
  host_names: HostNames[];
  cut_off: CutOff[];
  server_restart: ServerRestart[];
  power_off: PowerOff[];
  failover: Failover[];
}
