import { useCallback, useEffect, useState } from 'preact/hooks';
import { type ApiClient, ApiError } from '../api/client.ts';
import type { Filter } from '../state/use-fleet.ts';
import { useFleet } from '../state/use-fleet.ts';
import { BackupsPanel } from './backups.tsx';
import { Concerns } from './concerns.tsx';
import type { DialogState } from './dialog-state.ts';
import { Dialogs } from './dialogs.tsx';
import { Header } from './header.tsx';
import { Instances } from './instances.tsx';
import { LiveEvents } from './live-events.tsx';
import { Moves } from './moves.tsx';
import { Overview } from './overview.tsx';
import { Problem } from './problem.tsx';
import { QueuesPanel } from './queues.tsx';
import { Sessions } from './sessions.tsx';
import { Story } from './story.tsx';
import { Webhooks } from './webhooks.tsx';

/** Sessions shown at first, and how many more each time more are asked for. */
const STEP = 100;
/** The same of queues: those in trouble come first. */
const QUEUE_STEP = 10;
const NO_FILTER: Filter = { workspace: '', status: '' };

/** The fleet, live, and the dialogs over it. */
export function Dashboard({ api, onLeave }: { api: ApiClient; onLeave: (why: string) => void }) {
  const [filter, setFilter] = useState(NO_FILTER);
  const [wanted, setWanted] = useState({ sessions: STEP, queues: QUEUE_STEP });
  const [dialog, setDialog] = useState<DialogState | null>(null);
  const [said, setSaid] = useState('');
  const { data, error, refresh, changes } = useFleet(api, filter, wanted);
  const refused = error instanceof ApiError && error.status === 401;
  useEffect(() => {
    if (refused) onLeave('The router does not take this key any more. Sign in again.');
  }, [refused, onLeave]);
  const done = useCallback(
    (message: string) => {
      setSaid(message);
      refresh();
    },
    [refresh],
  );
  const clear = useCallback(() => setSaid(''), []);
  return (
    <>
      <Header error={error} loaded={data !== undefined} onLeave={() => onLeave('')} />
      <main class="page">
        <Problem error={error} />
        <p class="visually-hidden" aria-live="polite">
          {changes}
        </p>
        <div class="toast-place" role="status">
          {said !== '' && <Toast key={said} text={said} onGone={clear} />}
        </div>
        {data?.fleet && <Concerns fleet={data.fleet} onDialog={setDialog} />}
        <Overview view={data} />
        <Sessions
          view={data}
          filter={filter}
          onFilter={setFilter}
          onMore={() => setWanted({ ...wanted, sessions: wanted.sessions + STEP })}
          onDialog={setDialog}
        />
        {data && (
          <QueuesPanel
            queues={data.queues}
            onMore={() => setWanted({ ...wanted, queues: wanted.queues + 10 * QUEUE_STEP })}
          />
        )}
        {data?.webhooks && <Webhooks webhooks={data.webhooks} onDialog={setDialog} />}
        {data?.fleet !== null && <Instances instances={data?.fleet?.instances} onDialog={setDialog} />}
        {data?.moves && <Moves moves={data.moves} />}
        {data?.fleet && <BackupsPanel api={api} />}
        {data && <LiveEvents api={api} />}
        {data?.fleet && <Story events={data.events} fleet={data.fleet} />}
      </main>
      {dialog !== null && <Dialogs api={api} state={dialog} onState={setDialog} onDone={done} />}
    </>
  );
}

/** Milliseconds a message stays. */
const TOAST_TIME = 6000;

function Toast({ text, onGone }: { text: string; onGone: () => void }) {
  useEffect(() => {
    const timer = setTimeout(onGone, TOAST_TIME);
    return () => clearTimeout(timer);
  }, [onGone]);
  return <p class="toast">{text}</p>;
}
