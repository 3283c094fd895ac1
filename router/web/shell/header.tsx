import type { OwnKey } from '../api/types.ts';
import { Icon, Mark } from '../parts/icon.tsx';
import { ThemeSwitch } from './theme-switch.tsx';

/** Whose page this is and whether it is live. */
export function Brand({ live }: { live: 'live' | 'loading' | 'away' }) {
  return (
    <div class="brand">
      <Mark />
      <span class="brand-name">Wharf</span>
      <span class={live === 'live' ? 'live live-on' : 'live'} title={LIVE_TEXTS[live]}>
        <span class="live-text">{LIVE_TEXTS[live]}</span>
      </span>
    </div>
  );
}

const LIVE_TEXTS = { live: 'Live', loading: 'Loading …', away: 'Connecting again …' } as const;

/** Who is signed in, how the page looks, and the way out. */
export function Account({ ownKey, onLeave }: { ownKey: OwnKey | undefined; onLeave: () => void }) {
  return (
    <div class="account">
      {ownKey !== undefined && <p class="whose">{keyText(ownKey)}</p>}
      <ThemeSwitch />
      <a class="button button-quiet button-small account-api" href="docs">
        API
      </a>
      <button type="button" class="button button-quiet button-small" aria-label="Sign out" onClick={onLeave}>
        <Icon name="out" /> <span class="out-text">Sign out</span>
      </button>
    </div>
  );
}

function keyText({ kind, workspace_id, name }: OwnKey): string {
  const whose = kind === 'admin' ? 'Admin key' : `Key of workspace ${workspace_id}`;
  return name === null ? whose : `${whose}: ${name}`;
}
