import { useState } from 'preact/hooks';
import { ApiClient, ApiError } from '../api/client.ts';
import { Field } from './field.tsx';
import { Mark } from './icon.tsx';
import { Problem } from './problem.tsx';

/** Asks for an API key, and tries it before it lets anybody in. */
export function Login({ notice, onKey }: { notice: string; onKey: (key: string) => void }) {
  const [key, setKey] = useState('');
  const [error, setError] = useState<Error | null>(notice === '' ? null : new Error(notice));
  const [busy, setBusy] = useState(false);
  const enter = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await new ApiClient(key.trim()).sessions({}, 1, AbortSignal.timeout(15_000));
      onKey(key.trim());
    } catch (reason) {
      const refused = reason instanceof ApiError && reason.status === 401;
      setError(
        refused
          ? new Error('The router does not know this key. Was it copied whole, and not revoked?')
          : (reason as Error),
      );
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
          <code>wharf keys create</code>.
        </p>
      </form>
    </main>
  );
}
