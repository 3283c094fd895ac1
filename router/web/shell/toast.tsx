import { useEffect } from 'preact/hooks';

/** Milliseconds a message stays. */
const TOAST_TIME = 6000;

/** What was just done, for a moment. */
export function Toast({ text, onGone }: { text: string; onGone: () => void }) {
  useEffect(() => {
    if (text === '') return undefined;
    const timer = setTimeout(onGone, TOAST_TIME);
    return () => clearTimeout(timer);
  }, [text, onGone]);
  return (
    <div class="toast-place" role="status">
      {text !== '' && <p class="toast">{text}</p>}
    </div>
  );
}
