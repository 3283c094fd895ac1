import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { findTerraform } from '../../scripts/setup/terraform.mjs';
import { missingPrograms, runProgram } from '../helpers/programs.ts';
import { temporaryDirectory } from '../helpers/temp-dir.ts';

const TERRAFORM = new URL('../../infra/terraform/', import.meta.url).pathname;
const MODULES = join(TERRAFORM, 'modules');
const SCRIPTS = join(MODULES, 'machine/files');

/** The provider alone is 700 MB that is read anew for each run, and another suite may have the machine at that moment. */
const PATIENCE = 15 * 60_000;

const found = findTerraform();
if (found.fault) process.stderr.write(`no tests of infra/terraform: ${found.fault}\n`);

const lineSchema = z.looseObject({
  type: z.string(),
  test_run: z
    .looseObject({ run: z.string(), progress: z.string(), status: z.string().optional() })
    .optional(),
  test_summary: z.looseObject({ passed: z.number(), failed: z.number(), skipped: z.number() }).optional(),
  diagnostic: z
    .looseObject({ severity: z.string(), summary: z.string(), detail: z.string().optional() })
    .optional(),
});

describe.skipIf(found.fault)('infra/terraform', { timeout: PATIENCE }, () => {
  it('is written as terraform fmt writes it', async () => {
    const { said } = await terraform(TERRAFORM, 'fmt', '-check', '-recursive', '-diff');
    expect(said).toBe('');
  });

  it('makes a fleet that is encrypted, private and stable, and refuses what cannot work', async () => {
    const copy = await temporaryDirectory();
    await cp(TERRAFORM, copy, { recursive: true, filter: (path) => !path.endsWith('/.terraform') });
    const wharf = join(copy, 'modules/wharf');
    const init = await terraform(wharf, 'init', '-backend=false', `-plugin-dir=${found.plugins}`);
    expect(init.code, init.said).toBe(0);
    const { code, said } = await terraform(wharf, 'test', '-json');
    const lines = said
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => lineSchema.parse(JSON.parse(line)));
    const faults = lines.flatMap(({ diagnostic }) =>
      // The examples' backends are for those who apply them, and a test says that it takes none: a warning.
      diagnostic?.severity === 'error' ? [`${diagnostic.summary}: ${diagnostic.detail ?? ''}`] : [],
    );
    expect({ code, faults }).toEqual({ code: 0, faults: [] });
    const summary = lines.find(({ test_summary }) => test_summary)?.test_summary;
    expect(summary).toMatchObject({ failed: 0, skipped: 0, passed: await runsBelow(join(wharf, 'tests')) });
  });
});

describe('the modules of infra/terraform', { timeout: PATIENCE }, async () => {
  it.each(await readdir(MODULES))(
    '%s has four files, and says what each variable and output is',
    async (name) => {
      const files = await readdir(join(MODULES, name));
      expect(files).toEqual(expect.arrayContaining(['main.tf', 'outputs.tf', 'variables.tf', 'versions.tf']));
      for (const block of await blocks(join(MODULES, name, 'variables.tf'), 'variable')) {
        expect(block).toMatch(/^ {2}description = "\S.*\."$/m);
        expect(block).toMatch(/^ {2}type +=/m);
        // Null is a value of its own only where it is the default.
        if (!/^ {2}default +=\s+null$/m.test(block)) expect(block).toMatch(/^ {2}nullable +=\s+false$/m);
      }
      for (const block of await blocks(join(MODULES, name, 'outputs.tf'), 'output'))
        expect(block).toMatch(/^ {2}description = "\S.*\."$/m);
    },
  );

  it.skipIf(missingPrograms(['shellcheck']).length > 0)(
    'has scripts that shellcheck finds no fault with',
    async () => {
      const scripts = (await readdir(SCRIPTS)).filter((name) => /^wharf-aws-[a-z]+$/.test(name));
      expect(scripts.length).toBeGreaterThan(3);
      expect(
        await runProgram(
          'shellcheck',
          scripts.map((name) => join(SCRIPTS, name)),
        ),
      ).toEqual({ code: 0, said: '' });
    },
  );

  it('has what a machine leaves by come back, whatever failed before', async () => {
    const unit = await readFile(join(SCRIPTS, 'wharf-aws-leave.service'), 'utf8');
    expect(unit).not.toMatch(/^(Requires|BindsTo|Requisite)=/m);
    for (const line of [
      'Wants=network-online.target mnt-wharf.mount',
      'StartLimitIntervalSec=0',
      'Restart=always',
    ])
      expect(unit.split('\n')).toContain(line);
  });

  it.each([
    ['encryption', 'aws_kms_key'],
    ['storage', 'aws_efs_file_system'],
    ['redis', 'aws_elasticache_replication_group'],
    ['bucket', 'aws_s3_bucket'],
  ])('%s keeps its %s from being destroyed, which a replacement is as well', async (name, type) => {
    const text = await readFile(join(MODULES, name, 'main.tf'), 'utf8');
    const [resource] = new RegExp(`^resource "${type}" "this" \\{\\n[\\s\\S]*?^\\}`, 'm').exec(text) ?? [];
    expect(resource).toMatch(/^ {4}prevent_destroy = true$/m);
  });

  it.skipIf(missingPrograms(['systemd-analyze']).length > 0)(
    'has units that systemd finds no fault with',
    async () => {
      const folder = await temporaryDirectory();
      const units = (await readdir(SCRIPTS)).filter((name) => /\.(service|timer)$/.test(name));
      for (const name of units) {
        // The programs stand elsewhere on this machine; nothing else of the unit is changed.
        const text = (await readFile(join(SCRIPTS, name), 'utf8')).replaceAll(
          /^ExecStart=\S+/gm,
          'ExecStart=/bin/true',
        );
        await writeFile(join(folder, name), text);
      }
      const mount = await readFile(join(SCRIPTS, 'mnt-wharf.mount.tftpl'), 'utf8');
      await writeFile(
        join(folder, 'mnt-wharf.mount'),
        mount.replace(/\$\{file_system_id\}/, 'fs-1').replace(/\$\{access_point_id\}/, 'fsap-1'),
      );
      const paths = [...units, 'mnt-wharf.mount'].map((name) => join(folder, name));
      expect(await runProgram('systemd-analyze', ['verify', '--man=no', ...paths])).toEqual({
        code: 0,
        said: '',
      });
    },
  );
});

async function terraform(folder, ...args) {
  const settings = join(await temporaryDirectory(), 'terraform.rc');
  await writeFile(settings, '');
  // Nothing of this machine's own settings, and no look at what is new.
  return await runProgram('env', [
    `TF_CLI_CONFIG_FILE=${settings}`,
    'CHECKPOINT_DISABLE=1',
    found.program,
    `-chdir=${folder}`,
    ...args,
  ]);
}

async function blocks(file, kind) {
  const text = await readFile(file, 'utf8');
  return [...text.matchAll(new RegExp(`^${kind} "[^"]+" \\{\\n[\\s\\S]*?^\\}`, 'gm'))].map(
    ([block]) => block,
  );
}

async function runsBelow(folder) {
  const texts = await Promise.all(
    (await readdir(folder))
      .filter((name) => name.endsWith('.tftest.hcl'))
      .map((name) => readFile(join(folder, name), 'utf8')),
  );
  return texts.join('\n').match(/^run "/gm)?.length ?? 0;
}
