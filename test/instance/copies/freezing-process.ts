import { systemClock } from '../../../common/clock.ts';
import { whileFrozen } from '../../../instance/copies/freeze.ts';
import { groupLeader } from '../../../instance/copies/process-group.ts';

/** Freezes the group whose leader is named, says so, and does not let it go on: for tests that end or stop this process meanwhile. */
const leader = await groupLeader(Number(process.argv[2]));
if (!leader) throw new Error('there is no such group');
await whileFrozen(leader, systemClock, async (over) => {
  process.stdout.write('frozen\n');
  await new Promise((resolve) => over.addEventListener('abort', resolve));
}).catch(() => {});
