import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { complaintAbout } from '../helpers/parsed-command.ts';
import { parseRunbook, readRunbook } from '../helpers/runbook.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const sections = await readRunbook();
const commands = sections.flatMap(({ anchor, blocks }) =>
  blocks.flatMap(({ commands, line }) =>
    commands.map((command, index) => ({ anchor, line: line + index, command })),
  ),
);

/** The symptoms and tasks that alerts and other documents link to. */
const ANCHORS = [
  'an-instance-is-down',
  'sessions-ask-for-qr',
  'redis-is-away',
  'storage-is-slow-or-gone',
  'backup-failed',
  'restore-one-tenant',
  'restore-everything',
  'upgrade',
  'scale-out-or-in',
  'rotate-keys',
  'move-to-new-storage',
  'whatsapp-changed',
  'a-queue-is-stuck',
  'webhooks-fail',
  'memory-runs-short',
  'capacity-runs-out',
  'the-fleet-is-frozen',
  'certificates-and-keys-expire',
];

describe('docs/runbook.md', () => {
  it.each(ANCHORS)('has a section %s, with commands, an end and what not to do', (anchor) => {
    const section = sections.find((one) => one.anchor === anchor);
    expect(section?.blocks.some(({ kind }) => kind === 'run')).toBe(true);
    expect(section?.text).toMatch(/\*\*(It is over when)\*\*/);
    expect(section?.text).toContain('**Do not**');
  });

  const wharfLines = commands.filter(({ command }) => command.startsWith('wharf '));

  it.each(wharfLines)('line $line: the program understands $command', async ({ command }) => {
    expect(command).not.toMatch(/[|;&<>$'"]/);
    expect(await complaintAbout(command.split(' ').slice(1))).toBeUndefined();
  });

  it('says so where the program does not understand', async () => {
    expect(await complaintAbout(['status'])).toBeUndefined();
    expect(await complaintAbout(['move', '7'])).toContain('instance');
    expect(await complaintAbout(['restore', '--everything'])).toContain('--everything');
    expect(await complaintAbout(['queues', '--state', 'sad'])).toContain('sad');
  });

  it('names units that this repository has, or Debian', async () => {
    const own = (await readdir(`${root}systemd`, { recursive: true })).map((path) => path.split('/').pop());
    const isOwn = (unit: string) => own.includes(unit.replace(/@[^.]+\./, '@.')) || own.includes(unit);
    const units = commands.flatMap(
      ({ command }) => command.match(/[\w@-]+\.(service|target|mount)\b/g) ?? [],
    );
    expect(units.length).toBeGreaterThan(10);
    const unknown = units.filter((unit) => !isOwn(unit) && !/^(redis-server|nginx)\.service$/.test(unit));
    expect([...new Set(unknown)]).toEqual([]);
  });

  it('is written in commands that bash can read', async () => {
    const script = commands.map(({ command }) => command).join('\n');
    await promisify(execFile)('bash', ['-n', '-c', script]);
  });

  it('names each alert in the section that the alert links to, and no alert that there is not', async () => {
    const alerts = await alertsOf(`${root}infra/prometheus`);
    expect(alerts.length).toBeGreaterThan(10);
    const unnamed = alerts.filter(({ name, anchor }) => {
      const section = sections.find((one) => one.anchor === anchor);
      return !section?.text.includes(`\`${name}\``);
    });
    expect(unnamed).toEqual([]);
    const named = sections.flatMap(
      ({ text }) => text.match(/`(?:Wharf|Host|Redis|Certificate)[A-Z]\w+`/g) ?? [],
    );
    const known = alerts.map(({ name }) => `\`${name}\``);
    expect([...new Set(named)].filter((name) => !known.includes(name))).toEqual([]);
  });
});

/** The alerts of rule files below a directory, each with the section of the runbook it names. */
async function alertsOf(directory: string): Promise<{ name: string; anchor: string }[]> {
  const paths = await readdir(directory, { recursive: true });
  const found: { name: string; anchor: string }[] = [];
  for (const path of paths.filter((path) => /rules\/[^/]+\.yml$/.test(path))) {
    const text = await readFile(`${directory}/${path}`, 'utf8');
    for (const rule of text.split(/^\s*- (?=alert:)/m).slice(1)) {
      const name = /^alert: (\w+)/.exec(rule)?.[1] ?? '';
      found.push({ name, anchor: /runbook\.md#([\w-]+)/.exec(rule)?.[1] ?? '' });
    }
  }
  return found;
}

describe('the reading of a runbook', () => {
  it('finds blocks within lists, and their kinds and lines', () => {
    const [, section] = parseRunbook(
      '# R\n\n## A b\n1. x\n\n   ```sh run\n   one\n   two\n   ```\n```sh host\nthree\n```\n',
    );
    expect(section?.anchor).toBe('a-b');
    expect(section?.blocks).toEqual([
      { kind: 'run', commands: ['one', 'two'], line: 7 },
      { kind: 'host', commands: ['three'], line: 11 },
    ]);
  });

  it('refuses a block of no known kind, and one without an end', () => {
    expect(() => parseRunbook('```bash\nx\n```\n')).toThrow('line 1');
    expect(() => parseRunbook('## A\n```sh run\nx\n')).toThrow('line 3');
  });
});
