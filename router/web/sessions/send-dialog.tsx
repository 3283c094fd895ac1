import { useState } from 'preact/hooks';
import type { Priority } from '../../../fleet/queue/outgoing.ts';
import type { SessionName } from '../api/types.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Field } from '../parts/field.tsx';
import { Problem } from '../parts/problem.tsx';
import { StatusBadge } from '../parts/status-badge.tsx';
import type { DialogProps } from '../shell/dialog-state.ts';
import { type FollowedMessage, useMessage } from '../state/use-message.ts';
import { useWork } from '../state/use-work.ts';

const PRIORITIES: readonly { value: Priority; label: string }[] = [
  { value: 'critical', label: 'Critical: before all others' },
  { value: 'high', label: 'High' },
  { value: 'normal', label: 'Normal' },
  { value: 'low', label: 'Low: when nothing else waits' },
];

/** Hands a text in and shows what becomes of it; stays open for the next. */
export function SendDialog({ api, session, onState }: DialogProps & { session: SessionName }) {
  const [to, setTo] = useState('');
  const [text, setText] = useState('Hello from Wharf');
  const [priority, setPriority] = useState<Priority>('normal');
  // A try that failed half-way and is made again is the same message; one that was changed, or went, is another.
  const [key, setKey] = useState(newKey);
  const [messageId, setMessageId] = useState<string | null>(null);
  const message = useMessage(api, messageId);
  const { busy, error, work } = useWork();
  const changed = (change: () => void) => {
    change();
    setKey(newKey());
  };
  const send = (event: Event) => {
    event.preventDefault();
    setMessageId(null);
    const recipient = to.includes('@') ? to.trim() : to.replace(/[\s()-]/g, '');
    work(async () => {
      const receipt = await api.send(session, { to: recipient, text, priority }, key);
      setMessageId(receipt.message_id);
      setKey(newKey());
    });
  };
  return (
    <Dialog title={`Send from ${session.session_id}`} onClose={() => onState(null)}>
      <form onSubmit={send}>
        <Field
          label="To"
          value={to}
          onValue={(value) => changed(() => setTo(value))}
          required
          autoFocus
          hint="A phone number with its country code, or a WhatsApp id such as 1203630@g.us."
        />
        <Field
          label="Text"
          value={text}
          onValue={(value) => changed(() => setText(value))}
          required
          rows={4}
          maxLength={65_536}
        />
        <div class="field">
          <label for="send-priority">Priority</label>
          <select
            id="send-priority"
            value={priority}
            onChange={(event) => {
              const value = event.currentTarget.value as Priority;
              changed(() => setPriority(value));
            }}
          >
            {PRIORITIES.map(({ value, label }) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        </div>
        <Problem error={error} />
        <div aria-live="polite">{message !== null && <Outcome message={message} />}</div>
        <div class="dialog-foot">
          <button type="button" class="button" onClick={() => onState(null)}>
            Close
          </button>
          <button type="submit" class="button button-primary" disabled={busy}>
            {busy ? 'Handing in …' : 'Send'}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** Nobody else chooses the same. Not `randomUUID`: that is kept from pages that came by plain http. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');
}

function Outcome({ message }: { message: FollowedMessage }) {
  const { view } = message;
  return (
    <dl class="facts outcome">
      <dt>Status</dt>
      <dd>
        <StatusBadge status={view?.status ?? 'queued'} />
        {view?.error && (
          <span class="below below-bad">
            {view.error.detail} ({view.error.code})
          </span>
        )}
        {message.error !== null && (
          <span class="below">What became of it cannot be asked now: {message.error.message}</span>
        )}
      </dd>
      <dt>Message</dt>
      <dd>
        <code>{message.id}</code>
      </dd>
      {view?.whatsapp_id && (
        <>
          <dt>WhatsApp id</dt>
          <dd>
            <code>{view.whatsapp_id}</code>
          </dd>
        </>
      )}
    </dl>
  );
}
