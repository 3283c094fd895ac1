import { useState } from 'preact/hooks';
import type { MessageReceipt } from '../../../fleet/messages.ts';
import type { SessionName } from '../api/types.ts';
import { useWork } from '../state/use-work.ts';
import { Dialog } from './dialog.tsx';
import type { DialogProps } from './dialog-state.ts';
import { Field } from './field.tsx';
import { Problem } from './problem.tsx';
import { StatusBadge } from './status-badge.tsx';

/** Sends a text and shows what became of it; stays open for the next. */
export function SendDialog({ api, session, onState }: DialogProps & { session: SessionName }) {
  const [to, setTo] = useState('');
  const [text, setText] = useState('Hello from Wharf');
  const [receipt, setReceipt] = useState<MessageReceipt | null>(null);
  const { busy, error, work } = useWork();
  const send = (event: Event) => {
    event.preventDefault();
    setReceipt(null);
    const recipient = to.includes('@') ? to.trim() : to.replace(/[\s()-]/g, '');
    work(async () => setReceipt(await api.send(session, recipient, text)));
  };
  return (
    <Dialog title={`Send from ${session.session_id}`} onClose={() => onState(null)}>
      <form onSubmit={send}>
        <Field
          label="To"
          value={to}
          onValue={setTo}
          required
          autoFocus
          hint="A phone number with its country code, or a WhatsApp id such as 1203630@g.us."
        />
        <Field label="Text" value={text} onValue={setText} required rows={4} maxLength={65_536} />
        <Problem error={error} />
        <div aria-live="polite">{receipt !== null && <Outcome receipt={receipt} />}</div>
        <div class="dialog-foot">
          <button type="button" class="button" onClick={() => onState(null)}>
            Close
          </button>
          <button type="submit" class="button button-primary" disabled={busy}>
            {busy ? 'Sending …' : 'Send'}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function Outcome({ receipt }: { receipt: MessageReceipt }) {
  return (
    <dl class="facts outcome">
      <dt>Status</dt>
      <dd>
        <StatusBadge status={receipt.status} />
      </dd>
      <dt>Message</dt>
      <dd>
        <code>{receipt.message_id}</code>
      </dd>
      {receipt.whatsapp_id !== null && (
        <>
          <dt>WhatsApp id</dt>
          <dd>
            <code>{receipt.whatsapp_id}</code>
          </dd>
        </>
      )}
    </dl>
  );
}
