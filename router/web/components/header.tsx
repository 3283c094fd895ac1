import { Mark } from './icon.tsx';

/** Whose page this is, whether it is live, and the way out. */
export function Header(props: { error: Error | null; loaded: boolean; onLeave: () => void }) {
  const state = props.error !== null ? 'Connecting again …' : props.loaded ? 'Live' : 'Loading …';
  return (
    <header class="top">
      <div class="top-inside">
        <div class="brand">
          <Mark />
          <h1>Wharf</h1>
        </div>
        <span class={props.error === null && props.loaded ? 'live live-on' : 'live'}>{state}</span>
        <nav aria-label="More">
          <a href="docs">API</a>
          <button type="button" class="button button-quiet" onClick={props.onLeave}>
            Sign out
          </button>
        </nav>
      </div>
    </header>
  );
}
