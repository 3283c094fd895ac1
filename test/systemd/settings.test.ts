import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { backupConfig } from '../../backup/config.ts';
import { instanceConfig } from '../../instance/config.ts';
import { routerConfig } from '../../router/config.ts';

const read = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8');

/** The lines of a settings file that set something, and those that show how, as names and values. */
async function settings(file: string): Promise<{ set: Record<string, string>; shown: string[] }> {
  const text = await read(`systemd/env/${file}.env`);
  const set: Record<string, string> = {};
  const shown: string[] = [];
  for (const [, comment, name = '', value = ''] of text.matchAll(/^(#?)([A-Z][A-Z0-9_]*)=(.*)$/gm))
    if (comment === '#') shown.push(name);
    else set[name] = value;
  return { set, shown };
}

/** Which settings files a service reads, in order, as its unit says. */
async function filesOf(unit: string): Promise<string[]> {
  const text = await read(`systemd/units/${unit}.service`);
  return [...text.matchAll(/^EnvironmentFile=-\/etc\/wharf\/([a-z]+)\.env$/gm)].map((match) =>
    String(match[1]),
  );
}

/** The files that say which variables a service reads. */
const SOURCES = {
  'wharf-router': ['router/config.ts', 'fleet/messaging-config.ts'],
  'wharf-instance@': [
    'instance/config.ts',
    'instance/housekeeping/housekeeping-config.ts',
    'fleet/messaging-config.ts',
  ],
  'wharf-backup': ['backup/config.ts'],
};

/** Set by the unit, in the file of one instance, or an older name of another. */
const ELSEWHERE = ['INSTANCE_ID', 'PORT', 'ANNOUNCE_URL', 'MAX_SESSIONS_PER_INSTANCE'];

describe("the services' settings", () => {
  it.each(Object.entries(SOURCES))(
    '%s: every variable it reads is set, or shown as a comment',
    async (unit, sources) => {
      const text = (await Promise.all(sources.map(read))).join('\n');
      const variables = [...text.matchAll(/^ {2}([A-Z][A-Z0-9_]{3,}):/gm)].map((match) => String(match[1]));
      const named = new Set<string>(ELSEWHERE);
      for (const file of await filesOf(unit)) {
        const { set, shown } = await settings(file);
        for (const name of [...Object.keys(set), ...shown]) named.add(name);
      }
      expect(variables.length).toBeGreaterThan(10);
      expect(variables.filter((name) => !named.has(name))).toEqual([]);
    },
  );

  it('name nothing that no process reads', async () => {
    const sources = (await Promise.all([...Object.values(SOURCES).flat(), 'cli/target.ts'].map(read))).join(
      '\n',
    );
    for (const name of await readdir(new URL('../../systemd/env', import.meta.url))) {
      const { set, shown } = await settings(name.replace('.env', ''));
      const known = (variable: string) =>
        sources.includes(variable) || /^(WHATSAPP_INSTANCE_1|NODE_ENV|(AWS|OTEL)_.*)$/.test(variable);
      expect([...Object.keys(set), ...shown].filter((variable) => !known(variable))).toEqual([]);
    }
  });

  it('are accepted as they are shipped by router and instance, and by the backup service once it has a place', async () => {
    const env = async (unit: string) =>
      Object.assign(
        {},
        ...(await Promise.all((await filesOf(unit)).map(async (file) => (await settings(file)).set))),
      );
    expect(routerConfig(await env('wharf-router')).config.sessionPath).toBe('/mnt/wharf/sessions');
    expect(instanceConfig({ ...(await env('wharf-instance@')), INSTANCE_ID: 'instance-1' }).sandbox).toBe(
      'on',
    );
    const backup = await env('wharf-backup');
    expect(() => backupConfig(backup)).toThrow('BACKUP_S3_BUCKET');
    expect(backupConfig({ ...backup, BACKUP_S3_BUCKET: 'wharf-backups' }).port).toBe(3100);
  });
});
