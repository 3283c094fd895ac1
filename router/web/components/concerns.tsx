import type { Fleet } from '../api/types.ts';
import type { DialogState } from './dialog-state.ts';

/** What an operator should know of the fleet before anything else; nothing where all is well. */
export function Concerns({ fleet, onDialog }: { fleet: Fleet; onDialog: (dialog: DialogState) => void }) {
  const { frozen, alarms, leader, redis, waiting, quarantined } = fleet;
  const unfreeze = () => {
    if (frozen) onDialog({ kind: 'operate', operation: { kind: 'unfreeze', instances: frozen.instances } });
  };
  return (
    <div class="concerns" role="status">
      {!redis.ok && (
        <p class="notice">
          Redis does not answer: what is shown is as it was before. Sessions go on; nothing moves until it is
          back.
        </p>
      )}
      {redis.ok && leader === null && (
        <p class="notice">No router leads: nothing is taken over or moved until one does.</p>
      )}
      {frozen && (
        <div class="notice notice-bad">
          <p>
            <strong>Frozen.</strong> {frozen.instances.join(', ')} lost at once; no more than {frozen.limit}{' '}
            at a time {frozen.limit === 1 ? 'is' : 'are'} taken over without being asked. They go on by
            themselves when they are back.
          </p>
          <button type="button" class="button button-small" onClick={unfreeze}>
            Take over now
          </button>
        </div>
      )}
      {alarms
        .filter(({ kind }) => frozen === null || kind !== 'mass_failure')
        .map(({ kind, text }) => (
          <p key={kind + text} class="notice notice-bad">
            {text}
          </p>
        ))}
      {waiting.total > 0 && (
        <p class="notice">
          {waiting.total} workspace{waiting.total === 1 ? ' has' : 's have'} no live owner, and wait
          {waiting.total === 1 ? 's' : ''} for one.
        </p>
      )}
      {quarantined.length > 0 && (
        <p class="notice">
          In quarantine, since instances died while they started: {quarantined.slice(0, 10).join(', ')}
          {quarantined.length > 10 && ` and ${quarantined.length - 10} more`}. To try one:{' '}
          <code>wharf move WORKSPACE INSTANCE</code>
        </p>
      )}
    </div>
  );
}
