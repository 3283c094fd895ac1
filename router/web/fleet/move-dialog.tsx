import { useState } from 'preact/hooks';
import { Dialog } from '../parts/dialog.tsx';
import { Problem } from '../parts/problem.tsx';
import type { DialogProps } from '../shell/dialog-state.ts';
import { count } from '../state/text.ts';
import { useWork } from '../state/use-work.ts';

interface MoveDialogProps extends DialogProps {
  workspace: number | string;
  from: string;
  /** Null where that is not known. */
  sessions: number | null;
}

/** Asks where a workspace is to go, says what that means, and begins it. */
export function MoveDialog({ api, workspace, from, sessions, instances, onState, onDone }: MoveDialogProps) {
  const targets = instances.filter(({ id, draining, lease }) => id !== from && !draining && lease === 'held');
  const [chosen, setChosen] = useState('');
  // The instances may come after the dialog, and one that was chosen may go.
  const to = (targets.find(({ id }) => id === chosen) ?? targets[0])?.id ?? '';
  const { busy, error, work } = useWork();
  const move = (event: Event) => {
    event.preventDefault();
    work(async () => {
      await api.fleet.move(workspace, to);
      onDone(`Workspace ${workspace} is on its way to ${to}.`);
      onState(null);
    });
  };
  return (
    <Dialog title={`Move workspace ${workspace}?`} onClose={() => onState(null)}>
      <form onSubmit={move}>
        <p>
          {sessions === null
            ? 'Its sessions are'
            : `${count(sessions, 'session')} ${sessions === 1 ? 'is' : 'are'}`}{' '}
          closed cleanly on {from}, handed over with all files, and started where you say: some seconds for
          each. Requests wait meanwhile, and none fails. No QR is asked for.
        </p>
        {targets.length === 0 && (
          <p class="notice">No other instance takes workspaces now: each is draining, or lost.</p>
        )}
        {targets.length > 0 && (
          <div class="field">
            <label for="move-to">To</label>
            <select
              id="move-to"
              data-autofocus
              value={to}
              onChange={({ currentTarget }) => setChosen(currentTarget.value)}
            >
              {targets.map(({ id, sessions: taken, capacity }) => (
                <option key={id} value={id}>
                  {id}
                  {capacity === undefined ? '' : `: room for ${Math.max(0, capacity - taken)} more`}
                </option>
              ))}
            </select>
          </div>
        )}
        <Problem error={error} />
        <div class="dialog-foot">
          <button type="button" class="button" onClick={() => onState(null)}>
            Cancel
          </button>
          <button type="submit" class="button button-primary" disabled={busy || to === ''}>
            {busy ? 'Working …' : 'Move'}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
