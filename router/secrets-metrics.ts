import { Gauge, type Registry } from 'prom-client';
import type { KeyInfo } from '../fleet/api-keys.ts';

/** What is told of secrets. */
export interface SecretsLook {
  /** The API keys there are, the environment's left out. */
  keys: () => readonly Pick<KeyInfo, 'workspace' | 'createdAt'>[];
  /** When the internal token was made, milliseconds since 1970; null: it comes from the environment, which does not tell. */
  tokenMadeAt: number | null;
}

const SCOPES = ['admin', 'workspace'] as const;

/**
 * How old the secrets of a fleet are: none of them expires by itself (a key that stopped by itself would stop a customer), so that what is to be watched
 * is when they were made. No key is named.
 */
export function addSecretsMetrics(registry: Registry, { keys, tokenMadeAt }: SecretsLook): void {
  const registers = [registry];
  const madeAt = (scope: (typeof SCOPES)[number]) =>
    keys()
      .filter(({ workspace }) => (workspace === null) === (scope === 'admin'))
      .flatMap(({ createdAt }) => (createdAt === null ? [] : [Date.parse(createdAt)]));
  new Gauge({
    name: 'wharf_api_keys',
    help: 'API keys that are good, without the one in the environment of routers',
    labelNames: ['scope'],
    registers,
    collect() {
      for (const scope of SCOPES) this.set({ scope }, madeAt(scope).length);
    },
  });
  new Gauge({
    name: 'wharf_api_key_oldest_created_timestamp_seconds',
    help: 'When the oldest of these API keys was made; absent where there is none',
    labelNames: ['scope'],
    registers,
    collect() {
      this.reset();
      for (const scope of SCOPES) {
        const oldest = madeAt(scope).reduce((least, time) => Math.min(least, time), Number.POSITIVE_INFINITY);
        if (Number.isFinite(oldest)) this.set({ scope }, oldest / 1000);
      }
    },
  });
  if (tokenMadeAt === null) return;
  new Gauge({
    name: 'wharf_internal_token_created_timestamp_seconds',
    help: 'When the internal token on the shared storage was made; absent where it comes from the environment',
    registers,
  }).set(tokenMadeAt / 1000);
}
