import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { addSecretsMetrics } from '../../router/secrets-metrics.ts';

const time = (day: number) => new Date(Date.UTC(2026, 0, day)).toISOString();
const at = (day: number, end?: number) => ({
  createdAt: time(day),
  expiresAt: end === undefined ? null : time(end),
});
const seconds = (day: number) => Date.UTC(2026, 0, day) / 1000;

it('the metrics of secrets tell how many keys there are and when the oldest was made, and name none', async () => {
  const registry = new Registry();
  const keys = [
    { workspace: null, ...at(3) },
    { workspace: null, ...at(2) },
    { workspace: 'secret-customer', ...at(1) },
    { workspace: null, createdAt: null, expiresAt: null },
  ];
  addSecretsMetrics(registry, { keys: () => keys, tokenMadeAt: Date.UTC(2026, 0, 4) });
  const text = await registry.metrics();
  expect(text).toContain(`wharf_api_key_oldest_created_timestamp_seconds{scope="admin"} ${seconds(2)}\n`);
  expect(text).toContain(`wharf_api_key_oldest_created_timestamp_seconds{scope="workspace"} ${seconds(1)}\n`);
  expect(text).toContain(`wharf_internal_token_created_timestamp_seconds ${seconds(4)}\n`);
  expect(text).not.toContain('customer');
  keys.splice(0, 2);
  const later = await registry.metrics();
  expect(later).not.toContain('oldest_created_timestamp_seconds{scope="admin"}');
  expect(later).toContain('wharf_api_keys{scope="workspace"} 1\n');
});

it('the metrics of secrets tell when the first key expires that was made for 30 days or more', async () => {
  const registry = new Registry();
  const keys = [
    { workspace: null, ...at(1) },
    { workspace: null, ...at(2, 80) },
    { workspace: null, ...at(3, 60) },
    { workspace: null, ...at(4, 33) },
    { workspace: 'secret-customer', ...at(10, 39) },
  ];
  addSecretsMetrics(registry, { keys: () => keys, tokenMadeAt: null });
  const text = await registry.metrics();
  expect(text).toContain(`wharf_api_key_earliest_expiry_timestamp_seconds{scope="admin"} ${seconds(60)}\n`);
  expect(text).not.toContain('expiry_timestamp_seconds{scope="workspace"}');
  keys.push({ workspace: 'secret-customer', ...at(10, 40) });
  keys.splice(1, 2);
  const later = await registry.metrics();
  expect(later).not.toContain('expiry_timestamp_seconds{scope="admin"}');
  expect(later).toContain(`expiry_timestamp_seconds{scope="workspace"} ${seconds(40)}\n`);
});

it('the metrics of secrets tell no age of a token that comes from the environment', async () => {
  const registry = new Registry();
  addSecretsMetrics(registry, { keys: () => [], tokenMadeAt: null });
  expect(await registry.metrics()).not.toContain('internal_token');
});
