import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';

const read = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8');

describe('docs/configuration.md', () => {
  it.each([
    'router/config.ts',
    'instance/config.ts',
    'instance/housekeeping/housekeeping-config.ts',
    'backup/config.ts',
    'emulator/config.ts',
    'fleet/messaging-config.ts',
  ])('describes every variable of %s', async (source) => {
    const text = await read(source);
    const variables = [...text.matchAll(/^ {2}([A-Z][A-Z0-9_]{3,}):/gm)].map((match) => String(match[1]));
    const document = await read('docs/configuration.md');
    expect(variables.length).toBeGreaterThan(2);
    expect(variables.filter((name) => !document.includes(`\`${name}\``))).toEqual([]);
  });

  it('describes no variable that nothing reads', async () => {
    const sources = (
      await Promise.all(
        [
          'router/config.ts',
          'instance/config.ts',
          'instance/housekeeping/housekeeping-config.ts',
          'backup/config.ts',
          'emulator/config.ts',
          'fleet/messaging-config.ts',
          'common/lifecycle.ts',
        ].map(read),
      )
    ).join('\n');
    const document = await read('docs/configuration.md');
    const described = [...document.matchAll(/`([A-Z][A-Z0-9_]{3,})(?:=1)?`/g)].map((match) =>
      String(match[1]),
    );
    expect(described.filter((name) => !sources.includes(name) && name !== 'WHATSAPP_INSTANCE_1')).toEqual([]);
  });
});
