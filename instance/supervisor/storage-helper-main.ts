import { isWharfError, messageOf } from '../../common/errors.ts';
import { readBeacon, writeBeacon } from '../../fleet/beacons.ts';
import { FileClaims } from '../../fleet/file-claims.ts';
import { SessionPaths } from '../../fleet/session-paths.ts';
import { requireSessionPath } from '../../fleet/session-storage.ts';
import { type StorageAnswer, type StorageCall, storageRequestSchema } from './storage-helper-messages.ts';

/*
 * A supervisor's storage helper: makes its calls to the shared storage, so that one that hangs hangs here. Its only argument is the session
 * path. Ends when its supervisor does.
 */
const paths = new SessionPaths(process.argv[2] ?? '');
const claims = new FileClaims(paths);

function perform(call: StorageCall): Promise<unknown> {
  switch (call.op) {
    case 'workspaces':
      return claims.workspaces();
    case 'highest':
      return claims.highest(call.workspace);
    case 'create':
      return claims.create(call.claim);
    case 'release':
      return claims.release(call.workspace, call.epoch);
    case 'require':
      return requireSessionPath(paths.root);
    case 'write_beacon':
      return writeBeacon(paths, call.instance, call.beacon);
    case 'read_beacon':
      return readBeacon(paths, call.instance);
  }
}

function errorOf(error: unknown) {
  return { code: isWharfError(error) ? error.code : ('internal' as const), message: messageOf(error) };
}

// One whose supervisor is gone has nobody to tell.
const answer = (message: StorageAnswer) => process.send?.(message, () => {});

process.on('message', (message) => {
  const { id, call } = storageRequestSchema.parse(message);
  perform(call).then(
    (value) => answer({ id, value: value ?? null }),
    (error: unknown) => answer({ id, error: errorOf(error) }),
  );
});
process.on('disconnect', () => process.exit());
