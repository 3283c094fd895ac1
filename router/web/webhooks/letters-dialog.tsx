import { useCallback, useState } from 'preact/hooks';
import type { DeadLetter, DeadLetters } from '../api/types.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Problem } from '../parts/problem.tsx';
import type { DialogProps } from '../shell/dialog-state.ts';
import { ago, count } from '../state/text.ts';
import { usePoll } from '../state/use-poll.ts';
import { useWork } from '../state/use-work.ts';

/** Dead letters that are listed: the oldest. */
const LISTED = 100;

/** Milliseconds between two looks. */
const INTERVAL = 5000;

/** The events that a receiver did not take, why, and the way to send them again. */
export function LettersDialog({ api, workspace, onState, onDone }: DialogProps & { workspace: string }) {
  const load = useCallback(
    (signal: AbortSignal) => api.webhooks.deadLetters(workspace, LISTED, signal),
    [api, workspace],
  );
  const { data, error } = usePoll(load, INTERVAL);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const { busy, error: fault, work } = useWork();
  const letters = data?.dead_letters ?? [];
  const ids = letters.map(({ event_id }) => event_id).filter((id) => chosen.has(id));
  const replay = () =>
    work(async () => {
      const replayed = await api.webhooks.replay(workspace, ids.length === 0 ? null : ids);
      onDone(`${count(replayed, 'event')} on the way to workspace ${workspace} again.`);
      onState(null);
    });
  const toggle = (id: string) => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    setChosen(next);
  };
  return (
    <Dialog title={`Dead letters of workspace ${workspace}`} onClose={() => onState(null)} wide>
      <p>
        Events that were given up. Replayed, each goes out with its old id, after what has been delivered
        since, and is retried as any event.
      </p>
      {data === undefined && error === null && <p class="waiting">Loading …</p>}
      {data !== undefined && letters.length === 0 && (
        <p class="notice notice-good">There is none any more.</p>
      )}
      {letters.length > 0 && <Letters letters={letters} chosen={chosen} onToggle={toggle} />}
      {data !== undefined && <More letters={data} />}
      <Problem error={fault ?? error} />
      <div class="dialog-foot">
        <button type="button" class="button" data-autofocus onClick={() => onState(null)}>
          Close
        </button>
        {letters.length > 0 && (
          <button type="button" class="button button-primary" disabled={busy} onClick={replay}>
            {busy ? 'Working …' : ids.length === 0 ? 'Replay all' : `Replay ${ids.length}`}
          </button>
        )}
      </div>
    </Dialog>
  );
}

function More({ letters: { next_cursor } }: { letters: DeadLetters }) {
  return next_cursor === null ? null : <p class="hint">These are the first {LISTED}; there are more.</p>;
}

interface LettersProps {
  letters: readonly DeadLetter[];
  chosen: ReadonlySet<string>;
  onToggle: (id: string) => void;
}

function Letters({ letters, chosen, onToggle }: LettersProps) {
  return (
    <ul class="choices">
      {letters.map(({ event_id, type, session_id, given_up_at, tries, reason }) => (
        <li key={event_id}>
          <label class="check">
            <input type="checkbox" checked={chosen.has(event_id)} onChange={() => onToggle(event_id)} />
            <span>
              <code class="event-type">{type}</code> {session_id ?? ''}
              <span class="below">
                {reason} · {count(tries, 'try', 'tries')} · {ago(given_up_at)}
              </span>
            </span>
          </label>
        </li>
      ))}
    </ul>
  );
}
