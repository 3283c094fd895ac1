import { useState } from 'preact/hooks';
import { Dialog } from '../parts/dialog.tsx';
import { Field } from '../parts/field.tsx';
import { Problem } from '../parts/problem.tsx';
import type { DialogProps } from '../shell/dialog-state.ts';
import { useWork } from '../state/use-work.ts';

const ID: [string, string] = ['[A-Za-z0-9_\\-]{1,64}', '1 to 64 of the characters A-Z a-z 0-9 _ -'];

/** Asks for what a new session needs, makes it, and goes on to linking it. */
export function CreateDialog({ api, onState, onDone }: DialogProps) {
  const [workspace, setWorkspace] = useState('');
  const [session, setSession] = useState('');
  const [account, setAccount] = useState('');
  const [proxy, setProxy] = useState('');
  const { busy, error, work } = useWork();
  const create = (event: Event) => {
    event.preventDefault();
    work(async () => {
      const made = await api.create({
        workspace_id: workspace.trim(),
        ...(session.trim() === '' ? {} : { session_id: session.trim() }),
        ...(account.trim() === '' ? {} : { account_id: account.trim() }),
        ...(proxy.trim() === '' ? {} : { proxy: proxy.trim() }),
      });
      onDone(`Session ${made.session_id} was created.`);
      onState({ kind: 'link', session: made });
    });
  };
  return (
    <Dialog title="New session" onClose={() => onState(null)}>
      <form onSubmit={create}>
        <Field
          label="Workspace"
          value={workspace}
          onValue={setWorkspace}
          required
          autoFocus
          pattern={ID}
          hint="The tenant it belongs to: a number, or a name of your own."
        />
        <Field
          label="Session"
          value={session}
          onValue={setSession}
          pattern={ID}
          hint="A name for it; left empty, it is the workspace's."
        />
        <details>
          <summary>More</summary>
          <Field
            label="Account"
            value={account}
            onValue={setAccount}
            maxLength={200}
            hint="What your own system calls the account."
          />
          <Field
            label="Proxy"
            value={proxy}
            onValue={setProxy}
            hint="Where its browser goes out: http://host:port or socks5://host:port."
          />
        </details>
        <Problem error={error} />
        <div class="dialog-foot">
          <button type="button" class="button" onClick={() => onState(null)}>
            Cancel
          </button>
          <button type="submit" class="button button-primary" disabled={busy}>
            {busy ? 'Creating …' : 'Create and link'}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
