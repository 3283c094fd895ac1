import { Gauge, type Registry } from 'prom-client';
import type { KeyInfo } from '../fleet/api-keys.ts';

/** What is told of secrets. */
export interface SecretsLook {
  /** The API keys that are good, the environment's left out. */
  keys: () => readonly Pick<KeyInfo, 'workspace' | 'createdAt' | 'expiresAt'>[];
  /** When the internal token was made, milliseconds since 1970; null: it comes from the environment, which does not tell. */
  tokenMadeAt: number | null;
}

/** A key that was made for less than so long is to end, milliseconds: nobody is to be told that it does. */
const LASTING = 30 * 24 * 60 * 60_000;

const SCOPES = ['admin', 'workspace'] as const;

/**
 * How old the secrets of a fleet are, and when the next of them expires. As a rule none does by itself (a key that stopped by itself would stop a
 * customer), so that what is to be watched is when they were made; a key that was made to expire is told of before it does. No key is named.
 */
export function addSecretsMetrics(registry: Registry, { keys, tokenMadeAt }: SecretsLook): void {
  const registers = [registry];
  const of = (scope: (typeof SCOPES)[number]) =>
    keys().filter(({ workspace }) => (workspace === null) === (scope === 'admin'));
  const madeAt = (scope: (typeof SCOPES)[number]) =>
    of(scope).flatMap(({ createdAt }) => (createdAt === null ? [] : [Date.parse(createdAt)]));
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
        const oldest = earliest(madeAt(scope));
        if (Number.isFinite(oldest)) this.set({ scope }, oldest / 1000);
      }
    },
  });
  new Gauge({
    name: 'wharf_api_key_earliest_expiry_timestamp_seconds',
    help: 'When the first of these API keys that were made for 30 days or more expires; absent where none does',
    labelNames: ['scope'],
    registers,
    collect() {
      this.reset();
      for (const scope of SCOPES) {
        const ends = of(scope).flatMap(({ createdAt, expiresAt }) => {
          if (createdAt === null || expiresAt === null) return [];
          const end = Date.parse(expiresAt);
          return end - Date.parse(createdAt) >= LASTING ? [end] : [];
        });
        const first = earliest(ends);
        if (Number.isFinite(first)) this.set({ scope }, first / 1000);
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

/** Infinity where there is none. */
function earliest(times: readonly number[]): number {
  return times.reduce((least, time) => Math.min(least, time), Number.POSITIVE_INFINITY);
}
