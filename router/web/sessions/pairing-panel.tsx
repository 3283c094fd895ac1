import { useState } from 'preact/hooks';
import type { ApiClient } from '../api/client.ts';
import type { SessionName } from '../api/types.ts';
import { Field } from '../parts/field.tsx';
import { Problem } from '../parts/problem.tsx';
import { useWork } from '../state/use-work.ts';

/** Gets a code to type into the phone, where its camera cannot be used. */
export function PairingPanel({ api, session }: { api: ApiClient; session: SessionName }) {
  const [number, setNumber] = useState('');
  const [code, setCode] = useState('');
  const { busy, error, work } = useWork();
  const ask = (event: Event) => {
    event.preventDefault();
    work(async () => setCode(await api.pairingCode(session, number.replace(/[\s()-]/g, ''))));
  };
  return (
    <form class="pairing" onSubmit={ask}>
      <Field
        label="Phone number of the account"
        inputMode="tel"
        value={number}
        onValue={setNumber}
        required
        autoFocus
        pattern={['[+]?[0-9 \\(\\)\\-]{7,22}', '7 to 15 digits, with the country code']}
        hint="With the country code: 49 170 1234567."
      />
      <Problem error={error} />
      <button type="submit" class="button" disabled={busy}>
        {busy ? 'Asking WhatsApp …' : code === '' ? 'Get a code' : 'Get another code'}
      </button>
      <div aria-live="polite">
        {code !== '' && (
          <>
            <p class="code">{spaced(code)}</p>
            <p>
              On the phone: <b>Linked devices</b>, <b>Link a device</b>, <b>Link with phone number instead</b>
              , and type this code.
            </p>
          </>
        )}
      </div>
    </form>
  );
}

/** `ABCD-1234`, as the phone shows the places for it. */
function spaced(code: string): string {
  return code.length === 8 ? `${code.slice(0, 4)}-${code.slice(4)}` : code;
}
