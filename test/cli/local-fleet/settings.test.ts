import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { LocalFleetOptions } from '../../../cli/local-fleet/options.ts';
import { loadSettings } from '../../../cli/local-fleet/settings.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';

describe('the settings of a data directory', () => {
  let directory: string;
  let warnings: string[];
  beforeEach(async () => {
    directory = await temporaryDirectory();
    warnings = [];
  });
  const load = (options: Partial<LocalFleetOptions> = {}) =>
    loadSettings(
      { port: 0, instances: 2, data: directory, live: false, json: false, ...options },
      (warning) => warnings.push(warning),
    );

  it('keep the admin key from one start to the next, readable by this user alone', async () => {
    const first = await load();
    expect(first.api_key).toMatch(/^wharf_local_[0-9a-f]{48}$/);
    expect((await load()).api_key).toBe(first.api_key);
    expect((await stat(join(directory, 'settings.json'))).mode & 0o777).toBe(0o600);
    expect(warnings).toEqual([]);
  });

  it('refuse to open sessions of the emulated WhatsApp with the live one, and the other way round', async () => {
    await load();
    await expect(load({ live: true })).rejects.toThrow(/linked with the emulated WhatsApp.*--live --data/);
    directory = await temporaryDirectory();
    await load({ live: true });
    await expect(load()).rejects.toThrow(/linked with the live WhatsApp.*Add --live/);
  });

  it('warn when sessions stay away since there are fewer instances than before', async () => {
    await load({ instances: 4 });
    await load({ instances: 3 });
    await load({ instances: 4 });
    expect(warnings).toEqual([expect.stringMatching(/ran with 4 instances before.*beyond 3/)]);
  });
});
