import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Restore, RestoreItem } from '../../../fleet/backup/api.ts';
import { isoOfStamp } from '../../../fleet/stamps.ts';
import { Field } from '../parts/field.tsx';
import { Problem } from '../parts/problem.tsx';
import { ShowMore } from '../parts/show-more.tsx';
import { StatusBadge } from '../parts/status-badge.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { nameKey } from '../state/status.ts';
import { ago, bytes, count, dateTime, NOTHING } from '../state/text.ts';
import { useFirst } from '../state/use-first.ts';
import { willText } from './restore-text.ts';

const COLUMNS: readonly Column[] = [
  { heading: 'Session' },
  { heading: 'Is now' },
  { heading: 'Will be', from: 'wide' },
  { heading: 'As of', from: 'wide' },
  { heading: 'Size', from: 'wide' },
];

/** Sessions that are listed at first. */
const LISTED = 12;

/** What has to be typed before everything is restored. */
const WORD = 'everything';

interface RestorePlanProps {
  /** Of a dry run. */
  plan: Restore;
  isForced: boolean;
  busy: boolean;
  error: Error | null;
  onForce: (force: boolean) => void;
  onBack: () => void;
  onBegin: () => void;
}

/** What a restore would change, what should be known before, and the yes. */
export function RestorePlan(props: RestorePlanProps) {
  const { plan, isForced, busy, error, onForce, onBack, onBegin } = props;
  const { request, sessions, warnings, fleet_files } = plan;
  const wanted = sessions.filter(({ state }) => state !== 'refused');
  const refused = sessions.length - wanted.length;
  const forced = wanted.filter(({ refusal }) => refusal !== null).length;
  const isEverything = request.workspace_id === undefined && request.session_id === undefined;
  const [word, setWord] = useState('');
  const isSaid = !isEverything || word.trim().toLowerCase() === WORD;
  return (
    <>
      <Lead plan={plan} wanted={wanted.length} refused={refused} />
      <PlanTable sessions={sessions} />
      {fleet_files.length > 0 && (
        <p class="hint">Also written, since they are not there: {fleet_files.join(', ')}</p>
      )}
      {warnings.length > 0 && (
        <ul class="notice warnings" aria-label="What you should know">
          {warnings.map((warning) => (
            <li key={warning}>{warning}</li>
          ))}
        </ul>
      )}
      {(refused > 0 || forced > 0) && (
        <label class="check">
          <input
            type="checkbox"
            checked={isForced}
            disabled={busy}
            onChange={({ currentTarget }) => onForce(currentTarget.checked)}
          />
          <span>
            Restore those that are refused too
            <span class="below">A link that works now is lost, and the session comes up logged out.</span>
          </span>
        </label>
      )}
      {isEverything && wanted.length > 0 && (
        <Field label={`Type “${WORD}” to go on`} value={word} onValue={setWord} required />
      )}
      <Problem error={error} />
      <div class="dialog-foot">
        <button type="button" class="button" onClick={onBack}>
          Back
        </button>
        <button
          type="button"
          class="button button-danger-full"
          disabled={busy || wanted.length === 0 || !isSaid}
          onClick={onBegin}
        >
          {busy ? 'Working …' : `Restore ${count(wanted.length, 'session')}`}
        </button>
      </div>
    </>
  );
}

/** Takes the focus: the form that had it is gone. */
function Lead({ plan, wanted, refused }: { plan: Restore; wanted: number; refused: number }) {
  const lead = useRef<HTMLParagraphElement>(null);
  useLayoutEffect(() => lead.current?.focus(), []);
  const at = isoOfStamp(plan.backup);
  return (
    <p ref={lead} tabIndex={-1}>
      From the backup of <b>{dateTime(at)}</b> ({ago(at)}): {count(wanted, 'session')} to restore,{' '}
      {bytes(plan.bytes)} to write{refused > 0 && <b>; {refused} refused</b>}. Nothing has changed yet.
    </p>
  );
}

function PlanTable({ sessions }: { sessions: readonly RestoreItem[] }) {
  const sorted = [...sessions].sort(
    (one, other) => Number(other.state === 'refused') - Number(one.state === 'refused'),
  );
  const { shown, more, showAll } = useFirst(sorted, LISTED);
  if (sessions.length === 0) return <p class="notice">No session in this backup is like that.</p>;
  return (
    <div class="dialog-table">
      <Table columns={COLUMNS}>
        {shown.map((item) => (
          <tr key={nameKey(item)}>
            <th scope="row">
              {item.session_id}
              <span class="below">Workspace {item.workspace_id}</span>
              <span class={item.refusal === null ? 'below narrow-only' : 'below below-bad narrow-only'}>
                {willText(item)}
              </span>
            </th>
            <td>{item.status === null ? NOTHING : <StatusBadge status={item.status} />}</td>
            <td class={item.refusal === null ? 'wide-only' : 'wide-only below-bad'}>{willText(item)}</td>
            <td class="wide-only nowrap">
              {dateTime(item.taken_at)}
              <span class="below">{ago(item.taken_at)}</span>
            </td>
            <td class="wide-only nowrap">{bytes(item.bytes)}</td>
          </tr>
        ))}
      </Table>
      <ShowMore more={more} onMore={showAll} />
    </div>
  );
}
