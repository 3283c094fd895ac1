import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { ApiClient } from '../api/client.ts';
import { ApiError } from '../api/transport.ts';
import type { OwnKey } from '../api/types.ts';
import { Problem } from '../parts/problem.tsx';
import { type Alarm, alarmsOf, isUnwell } from '../state/alarms.ts';
import type { Route, ViewName } from '../state/route.ts';
import { VIEWS } from '../state/route.ts';
import { type Known, useFleet } from '../state/use-fleet.ts';
import { useRoute } from '../state/use-route.ts';
import { Alarms } from './alarms.tsx';
import type { DialogState } from './dialog-state.ts';
import { Dialogs } from './dialogs.tsx';
import { Account, Brand } from './header.tsx';
import { type Marks, Navigation, VIEW_TITLES } from './navigation.tsx';
import { Toast } from './toast.tsx';
import { View } from './view.tsx';

/** What a workspace's key may see. */
const WORKSPACE_VIEWS: readonly ViewName[] = ['sessions', 'queues', 'webhooks', 'events'];

interface DashboardProps {
  api: ApiClient;
  ownKey: OwnKey;
  /** Back to the login, with why; empty: somebody signed out. */
  onLeave: (why: string) => void;
}

/** The fleet, live: navigation, what should be looked at, one view, and the dialogs over it. */
export function Dashboard({ api, ownKey, onLeave }: DashboardProps) {
  const isAdmin = ownKey.kind === 'admin';
  const views = isAdmin ? VIEWS : WORKSPACE_VIEWS;
  const place = useRoute(views);
  const { route, close } = place;
  const [dialog, setDialog] = useState<DialogState | null>(null);
  const [said, setSaid] = useState('');
  const [version, setVersion] = useState(0);
  const known = useFleet(api, ownKey, route.view, version);
  const { data, error } = known.standing;
  const isRefused = error instanceof ApiError && error.status === 401;
  useEffect(() => {
    if (isRefused) onLeave('The router does not take this key any more. Sign in again.');
  }, [isRefused, onLeave]);
  const done = useCallback((message: string) => {
    setSaid(message);
    setVersion((number) => number + 1);
  }, []);
  const clear = useCallback(() => setSaid(''), []);
  const title = useHeading(route);
  const alarms = alarmsOf({
    fleet: data?.fleet ?? null,
    queues: data?.queues ?? null,
    webhooks: known.webhooks.data ?? null,
    backups: known.backups.data,
    backupsFault: faultOf(known.backups.error),
  });
  const open = dialog ?? openedBy(route);
  const goOn = (next: DialogState | null) => {
    if (openedBy(route) !== null) close();
    setDialog(next);
  };
  return (
    <div class="shell">
      <button type="button" class="skip button button-primary" onClick={() => title.current?.focus()}>
        Skip to the content
      </button>
      <header class="top">
        <Brand live={error !== null ? 'away' : data === undefined ? 'loading' : 'live'} />
        <Navigation views={views} shown={route.view} marks={marksOf(known, alarms)} />
        <Account ownKey={ownKey} onLeave={() => onLeave('')} />
      </header>
      <main class="page">
        <Problem error={error} />
        <Alarms
          alarms={alarms}
          shown={route.view}
          onOperate={(operation) => setDialog({ kind: 'operate', operation })}
        />
        <h1 ref={title} tabIndex={-1}>
          {VIEW_TITLES[route.view]}
        </h1>
        <View
          api={api}
          isAdmin={isAdmin}
          version={version}
          onDialog={setDialog}
          place={place}
          known={known}
        />
      </main>
      <Toast text={said} onGone={clear} />
      {open !== null && (
        <Dialogs
          api={api}
          isAdmin={isAdmin}
          instances={data?.fleet?.instances ?? []}
          state={open}
          onState={goOn}
          onDone={done}
        />
      )}
    </div>
  );
}

/** Names the page after the view, and takes the focus to its heading when another view is shown: what had it is gone. */
function useHeading({ view }: Route) {
  const title = useRef<HTMLHeadingElement>(null);
  const shown = useRef(view);
  useEffect(() => {
    document.title = `${VIEW_TITLES[view]} · Wharf`;
    if (shown.current === view) return;
    shown.current = view;
    scrollTo(0, 0);
    title.current?.focus({ preventScroll: true });
  }, [view]);
  return title;
}

/** The dialog that an address asks for. */
function openedBy({ view, open: [first, second] }: Route): DialogState | null {
  if (first === undefined) return null;
  if (view === 'sessions' && second !== undefined)
    return { kind: 'session', name: { workspace_id: first, session_id: second } };
  if (view === 'webhooks') return { kind: 'letters', workspace: first };
  if (view === 'backups') return { kind: 'restoring', id: first };
  return null;
}

/** Why backups cannot be asked for, where that is not because the router itself is away. */
function faultOf(error: Error | null): string | null {
  return error instanceof ApiError && !error.isUnreachable && error.status !== 401 ? error.message : null;
}

function marksOf({ standing, webhooks }: Known, alarms: readonly Alarm[]): Marks {
  const fleet = standing.data?.fleet;
  return {
    fleet: fleet?.instances.filter(isUnwell).length ?? 0,
    queues: standing.data?.queues?.by_state['stuck'] ?? 0,
    webhooks:
      webhooks.data?.filter(
        ({ state, dead_letters }) => dead_letters > 0 || state === 'disabled' || state === 'circuit_open',
      ).length ?? 0,
    backups: alarms.filter(({ id }) => id.startsWith('backup')).length,
  };
}
