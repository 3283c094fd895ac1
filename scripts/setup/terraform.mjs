import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { inPath } from './find-program.mjs';

const PROVIDER = 'registry.terraform.io/hashicorp/aws';
/** The least minor version of the provider's fifth major one that the modules ask for. */
const LEAST_MINOR = 100;

/**
 * Finds Terraform and a copy of its AWS provider on this machine, so that the modules can be tried without a network: `TF_PLUGIN_DIR`, where
 * Terraform itself looks, and what stands in /opt.
 *
 * @param {{env?: NodeJS.ProcessEnv, program?: string, folders?: string[]}} ways others in tests
 * @returns {{program: string, plugins: string} | {fault: string}} fault: what is missing, and how it is had
 */
export function findTerraform({
  env = process.env,
  program = inPath('terraform', env.PATH),
  folders = usualFolders(env),
} = {}) {
  if (program === undefined) return { fault: 'terraform is not installed' };
  const plugins = folders.find(hasProvider);
  if (plugins !== undefined) return { program, plugins };
  return {
    fault: `its AWS provider (5.${LEAST_MINOR} or newer of 5) is nowhere here: "terraform providers mirror DIRECTORY" in infra/terraform/examples/fleet fetches it, TF_PLUGIN_DIR names the directory`,
  };
}

function usualFolders(env) {
  return [
    env.TF_PLUGIN_DIR,
    env.TF_PLUGIN_CACHE_DIR,
    join(homedir(), '.terraform.d/plugins'),
    join(homedir(), '.terraform.d/plugin-cache'),
    join(homedir(), '.local/share/terraform/plugins'),
    '/usr/local/share/terraform/plugins',
    '/usr/share/terraform/plugins',
    ...foldersOf('/opt'),
  ].filter((folder) => folder);
}

function foldersOf(parent) {
  return existsSync(parent) ? readdirSync(parent).map((name) => join(parent, name)) : [];
}

function hasProvider(folder) {
  const versions = join(folder, PROVIDER);
  if (!existsSync(versions)) return false;
  // Unpacked (a directory of the version) or as it is mirrored (an archive that names it).
  return readdirSync(versions).some((name) => {
    const [, major, minor] = /^(?:terraform-provider-aws_)?(\d+)\.(\d+)\.\d+(?:_|$)/.exec(name) ?? [];
    return major === '5' && Number(minor) >= LEAST_MINOR;
  });
}
