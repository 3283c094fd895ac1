import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Session } from '../api/types.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Icon } from '../parts/icon.tsx';
import { Problem } from '../parts/problem.tsx';
import type { DialogProps } from '../shell/dialog-state.ts';
import { phone } from '../state/text.ts';
import { type Linking, useLinking } from '../state/use-linking.ts';
import { useWork } from '../state/use-work.ts';
import { PairingPanel } from './pairing-panel.tsx';
import { QrPanel } from './qr-panel.tsx';

/** Links a session to a phone: by QR, or by a code, until it is ready. */
export function LinkDialog({
  api,
  session,
  start = false,
  onState,
  onDone,
}: DialogProps & { session: Session; start?: boolean }) {
  const linking = useLinking(api, session);
  const [byCode, setByCode] = useState(false);
  const { busy, error, work } = useWork();
  const startSession = () => work(async () => void (await api.act(session, 'start')));
  useEffect(() => {
    if (start) startSession();
  }, []);
  const ready = linking.status === 'ready';
  useEffect(() => {
    if (ready) onDone(`Session ${session.session_id} is ready.`);
  }, [ready]);
  return (
    <Dialog title={`${start ? 'Start' : 'Link'} ${session.session_id}`} onClose={() => onState(null)}>
      <p class="dialog-lead">Workspace {session.workspace_id}</p>
      <div aria-live="polite">
        <Progress linking={linking} starting={busy} />
      </div>
      {!ready &&
        !atRest(linking) &&
        (byCode ? <PairingPanel api={api} session={session} /> : <QrPanel linking={linking} />)}
      <Problem error={error ?? linking.error} />
      <div class="dialog-foot">
        {atRest(linking) && (
          <button type="button" class="button button-primary" disabled={busy} onClick={startSession}>
            Start it
          </button>
        )}
        {!ready && !atRest(linking) && linking.status !== 'authenticated' && (
          <button type="button" class="button" onClick={() => setByCode(!byCode)}>
            {byCode ? 'Show the QR instead' : 'Link with a code instead'}
          </button>
        )}
        {ready && <SendButton onClick={() => onState({ kind: 'send', session })} />}
      </div>
    </Dialog>
  );
}

/** True in a state that ends only by a start. */
function atRest({ status }: Linking): boolean {
  return status === 'stopped' || status === 'parked' || status === 'failed' || status === 'logged_out';
}

function Progress({ linking, starting }: { linking: Linking; starting: boolean }) {
  switch (linking.status) {
    case 'ready':
      return (
        <p class="linked">
          <Icon name="check" /> Linked{linking.phone === null ? '' : ` as ${phone(linking.phone)}`}.
        </p>
      );
    case 'authenticated':
      return <p class="waiting">Scanned. WhatsApp is syncing …</p>;
    case 'stopped':
    case 'parked':
    case 'failed':
    case 'logged_out':
      return (
        <p>
          {starting
            ? 'Starting …'
            : `The session is ${linking.status.replace('_', ' ')}. Start it, and it shows what is next.`}
        </p>
      );
    case 'disconnected':
      return <p class="waiting">The connection was lost; connecting again …</p>;
    default:
      return null;
  }
}

/** Takes the focus when it appears: what had it before is gone with the code. */
function SendButton({ onClick }: { onClick: () => void }) {
  const button = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => button.current?.focus(), []);
  return (
    <button ref={button} type="button" class="button button-primary" onClick={onClick}>
      Send a test message
    </button>
  );
}
