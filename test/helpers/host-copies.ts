import { createLogger } from '../../common/logger.ts';
import { ScratchRoom } from '../../instance/copies/scratch-room.ts';
import { SessionCopies } from '../../instance/copies/session-copies.ts';
import { hostClock } from '../../instance/supervisor/host-clock.ts';
import { FetchedCopies } from './fetched-copies.ts';
import type { SessionHost } from './session-host.ts';
import { temporaryDirectory } from './temp-dir.ts';

/** Copies of a host's sessions, made in a scratch directory of their own, and fetched. */
export async function copiesOf(host: SessionHost): Promise<FetchedCopies> {
  const copies = new SessionCopies({
    instance: 'instance-1',
    find: (workspace, session) => host.manager.get(workspace, session),
    paths: host.paths,
    room: new ScratchRoom(await temporaryDirectory(), 'copies'),
    clock: hostClock,
    log: createLogger('silent', {}),
  });
  return new FetchedCopies(copies);
}
