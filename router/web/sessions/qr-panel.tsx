import type { Linking } from '../state/use-linking.ts';

/** The QR, drawn anew as it rotates, and how to scan it. */
export function QrPanel({ linking }: { linking: Linking }) {
  const { code, status } = linking;
  if (status === 'authenticated' || status === 'disconnected') return null;
  return (
    <div class="qr">
      <div class="qr-frame">
        {code === null ? (
          <p class="waiting">
            {status === undefined || status === 'starting'
              ? 'The browser is starting …'
              : 'Waiting for a code …'}
          </p>
        ) : (
          <img src={code.image} width={264} height={264} alt="QR to scan with WhatsApp on the phone" />
        )}
      </div>
      {code !== null && (
        <ol>
          <li>Open WhatsApp on the phone.</li>
          <li>
            Go to <b>Settings</b>, then <b>Linked devices</b>, then <b>Link a device</b>.
          </li>
          <li>Point the phone at this code. It changes by itself every so often.</li>
        </ol>
      )}
    </div>
  );
}
