import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { missingPrograms } from '../helpers/programs.ts';
import { temporaryDirectory } from '../helpers/temp-dir.ts';
import { analyze, layOut, mountKinds, OTHERS, SERVICES, unitFile } from './unit-files.ts';

/** How much a service may be exposed at most, in tenths of the points of `systemd-analyze security`: what it scored when this was written. */
const THRESHOLDS: Record<(typeof SERVICES)[number], number> = {
  'wharf-instance@3.service': 25,
  'wharf-router.service': 14,
  'wharf-backup.service': 14,
};

const findings = z.array(z.object({ name: z.string(), exposure: z.coerce.number().nullable() }));

const missing = missingPrograms(['systemd-analyze']);
if (missing.length > 0) process.stderr.write('no tests of the units: systemd-analyze is not installed\n');

describe.skipIf(missing.length > 0)('the units', () => {
  const laidOut = async (mount = 'nfs') => {
    const root = await temporaryDirectory();
    await layOut(root, mount);
    return root;
  };

  it('are read by systemd without a word, with each kind of share', async () => {
    for (const kind of await mountKinds()) {
      const root = await laidOut(kind);
      const { code, said } = await analyze(root, 'verify', ...SERVICES, ...OTHERS, 'mnt-wharf.mount');
      expect({ kind, code, said }).toEqual({ kind, code: 0, said: '' });
    }
  });

  it('would be found out with a setting that systemd does not know, of which it only warns', async () => {
    const root = await laidOut();
    await appendFile(
      join(root, 'usr/lib/systemd/system/wharf-router.service'),
      '\n[Service]\nProtectEverything=yes\n',
    );
    const { said } = await analyze(root, 'verify', 'wharf-router.service');
    expect(said).toContain('ProtectEverything');
  });

  it.each(SERVICES)('%s is exposed no more than it has to be', async (unit) => {
    const root = await laidOut();
    const { code, said } = await analyze(
      root,
      'security',
      '--offline=yes',
      `--threshold=${THRESHOLDS[unit]}`,
      unit,
    );
    process.stdout.write(`${/Overall exposure.*/.exec(said)?.[0]}\n`);
    expect(code).toBe(0);
  });

  it.each(SERVICES)('%s says of each protection it does without why', async (unit) => {
    const root = await laidOut();
    const { said } = await analyze(root, 'security', '--offline=yes', '--json=short', unit);
    const exposed = findings
      .parse(JSON.parse(said))
      .filter(({ exposure }) => exposure !== null)
      .flatMap(({ name }) => name.split('/').map((setting) => setting.replace(/=.*/, '')));
    const text = await readFile(unitFile(unit), 'utf8');
    expect(exposed.length).toBeGreaterThan(3);
    expect(exposed.filter((setting) => !text.includes(setting))).toEqual([]);
  });
});
