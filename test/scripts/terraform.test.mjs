import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findTerraform } from '../../scripts/setup/terraform.mjs';
import { temporaryDirectory } from '../helpers/temp-dir.ts';

const PROVIDER = 'registry.terraform.io/hashicorp/aws';

async function pluginsWith(name) {
  const folder = await temporaryDirectory();
  mkdirSync(join(folder, PROVIDER), { recursive: true });
  if (name.endsWith('.zip')) writeFileSync(join(folder, PROVIDER, name), '');
  else mkdirSync(join(folder, PROVIDER, name));
  return folder;
}

describe('finding Terraform', () => {
  it('says so where the program is missing', () => {
    expect(findTerraform({ env: { PATH: '' }, folders: [] })).toEqual({
      fault: 'terraform is not installed',
    });
  });

  it.each(['5.100.0', '5.117.3', 'terraform-provider-aws_5.100.0_linux_amd64.zip'])(
    'takes %s',
    async (name) => {
      const plugins = await pluginsWith(name);
      expect(findTerraform({ program: '/bin/terraform', folders: ['/nowhere', plugins] })).toEqual({
        program: '/bin/terraform',
        plugins,
      });
    },
  );

  it.each(['5.99.1', '6.2.0', '4.67.0', 'terraform-provider-aws_6.0.0_linux_amd64.zip'])(
    'does not take %s, and says how the right one is had',
    async (name) => {
      const folders = [await pluginsWith(name)];
      const { fault } = findTerraform({ program: '/bin/terraform', folders });
      expect(fault).toMatch(/terraform providers mirror.*TF_PLUGIN_DIR/);
    },
  );

  it('looks where TF_PLUGIN_DIR says', async () => {
    const plugins = await pluginsWith('5.100.0');
    expect(findTerraform({ program: '/bin/terraform', env: { TF_PLUGIN_DIR: plugins } })).toEqual({
      program: '/bin/terraform',
      plugins,
    });
  });
});
