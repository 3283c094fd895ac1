import { useState } from 'preact/hooks';
import { ApiClient } from '../api/client.ts';
import { ApiError } from '../api/transport.ts';
import type { OwnKey } from '../api/types.ts';
import { Field } from '../parts/field.tsx';
import { Mark } from '../parts/icon.tsx';
import { Problem } from '../parts/problem.tsx';

interface LoginProps {
  /** Why somebody is here again; empty where they are not. */
  notice: string;
  onEnter: (key: string, ownKey: OwnKey) => void;
}

/** Milliseconds a router has to say whose key it is. */
const PATIENCE = 15_000;

/** What a header can carry; keys have nothing else. */
const SENDABLE = /^[\x21-\x7e]+$/;

/** Asks for an API key, and tries it before it lets anybody in. */
export function Login({ notice, onEnter }: LoginProps) {
  const [key, setKey] = useState('');
  const [error, setError] = useState<Error | null>(notice === '' ? null : new Error(notice));
  const [busy, setBusy] = useState(false);
  const enter = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    if (!SENDABLE.test(key.trim())) {
      setError(new Error('This is no API key: it has characters that no key has. Copy it once more.'));
      setBusy(false);
      return;
    }
    try {
      onEnter(key.trim(), await new ApiClient(key.trim()).ownKey(AbortSignal.timeout(PATIENCE)));
    } catch (reason) {
      setError(errorOf(reason));
      setBusy(false);
    }
  };
  return (
    <main class="login">
      <form class="panel" onSubmit={enter}>
        <Mark />
        <h1>Wharf</h1>
        <p>Sign in with an API key to see the fleet.</p>
        <Field
          label="API key"
          secret
          value={key}
          onValue={setKey}
          required
          autoFocus
          hint="It is kept in this tab alone, until you close it."
        />
        <Problem error={error} />
        <button type="submit" class="button button-primary" disabled={busy}>
          {busy ? 'Signing in …' : 'Sign in'}
        </button>
        <p class="hint">
          A local fleet prints its key at <code>npm start</code>; elsewhere an admin makes one with{' '}
          <code>wharf keys create</code>. A workspace's key shows that workspace alone.
        </p>
      </form>
    </main>
  );
}

function errorOf(reason: unknown): Error {
  if (reason instanceof ApiError && reason.status === 401)
    return new Error(
      'The router does not know this key. Was it copied whole, and is it neither revoked nor expired?',
    );
  if (reason instanceof DOMException && reason.name === 'TimeoutError')
    return new Error('The router did not answer in 15 s. Try again, or look whether it runs.');
  return reason instanceof Error ? reason : new Error(String(reason));
}
