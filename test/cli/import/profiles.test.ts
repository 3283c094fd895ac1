import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findProfiles } from '../../../cli/import/profiles.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';
import { plainProfile } from './plain-profile.ts';

describe('profiles of plain clients', () => {
  it("are found in LocalAuth's data path, each with its size, what is left out and its Chromium", async () => {
    const root = await temporaryDirectory();
    const shop = await plainProfile(root, 'shop', { 'Last Version': '156.0.8078.79' });
    await plainProfile(root, 'agency_2');
    await mkdir(join(root, 'session-never', 'Default'), { recursive: true });
    await mkdir(join(root, 'logs'));
    const found = await findProfiles(root);
    expect(found.map(({ clientId, wasUsed }) => [clientId, wasUsed])).toEqual([
      ['agency_2', true],
      ['never', false],
      ['shop', true],
    ]);
    expect(found[2]).toMatchObject({ directory: shop, chromium: '156.0.8078.79' });
    expect(found[0]?.chromium).toBeNull();
    expect(found[0]?.bytes).toBeGreaterThan(10_000);
    expect(found[0]?.leftOutBytes).toBe(5000);
  });

  it('are found where the directory is one itself, and where it is of a client without an id', async () => {
    const root = await temporaryDirectory();
    const one = await plainProfile(root, 'shop');
    expect(await findProfiles(one)).toMatchObject([{ clientId: 'shop', directory: one }]);
    const nameless = await temporaryDirectory();
    await rename(one, join(nameless, 'session'));
    expect(await findProfiles(nameless)).toMatchObject([{ clientId: 'default' }]);
  });

  it('are looked for one level too high: it says where they are', async () => {
    const root = await temporaryDirectory();
    await mkdir(join(root, '.wwebjs_auth'));
    await expect(findProfiles(root)).rejects.toThrow(`Did you mean ${join(root, '.wwebjs_auth')}?`);
    await expect(findProfiles(join(root, 'nowhere'))).rejects.toMatchObject({ code: 'no_directory' });
  });
});
