import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createLogger } from '../../../common/logger.ts';
import type { Deliveries } from '../../../fleet/events/deliveries.ts';
import {
  disabledRecord,
  newRecord,
  resetRecord,
  rotatedRecord,
  validSecrets,
  type WebhookRecord,
  wants,
} from '../../../router/webhooks/record.ts';
import { newSecret } from '../../../router/webhooks/signature.ts';
import { WebhookFiles } from '../../../router/webhooks/webhook-files.ts';
import { DrivenClock } from '../../helpers/driven-clock.ts';
import { eventually } from '../../helpers/eventually.ts';

const T = 1_800_000_000_000;
const HOUR = 3_600_000;

type Changes = Pick<Deliveries, 'noteChange' | 'changesSince'>;

/** Changes in memory; `fails` stands for a Redis that is away. */
function memoryChanges() {
  const noted: { workspace: string; generation: number }[] = [];
  const state = { fails: false };
  const changes: Changes = {
    noteChange: async (workspace, generation) => {
      if (state.fails) throw new Error('away');
      noted.push({ workspace, generation });
    },
    changesSince: async (revision) => {
      if (state.fails) throw new Error('away');
      return { revision: noted.length, workspaces: noted.slice(revision) };
    },
  };
  return { changes, state };
}

async function startPlace() {
  const path = await mkdtemp(join(tmpdir(), 'wharf-webhooks-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  const clock = new DrivenClock();
  const { changes, state } = memoryChanges();
  const open = async () => {
    const lines: string[] = [];
    const log = createLogger('debug', {}, { write: (line) => lines.push(line) });
    const files = new WebhookFiles(path, changes, clock, log);
    await files.start();
    onTestFinished(() => files.stop());
    return { files, lines };
  };
  return { path, clock, state, open };
}

const recordOf = (workspace: string, url = 'http://10.0.0.1/') =>
  newRecord(workspace, { url, events: ['*'] }, newSecret(), T);

describe('the files of webhooks', () => {
  it('show a change at once where it was made, and elsewhere within a second or two', async () => {
    const place = await startPlace();
    const [{ files: here }, { files: there }] = [await place.open(), await place.open()];
    await here.update('7', () => recordOf('7'));
    expect([here.get('7')?.url, there.get('7')]).toEqual(['http://10.0.0.1/', undefined]);
    const heard: string[] = [];
    there.onChange((workspace) => heard.push(workspace));
    await eventually(async () => {
      await place.clock.pass(200);
      return there.get('7') !== undefined;
    });
    expect(place.clock.now() - 1_800_000_000_000).toBeLessThan(60_000);
    expect(heard).toContain('7');
    await here.update('7', () => null);
    await eventually(async () => {
      await place.clock.pass(200);
      return there.get('7') === undefined;
    });
  });

  it('show a change without Redis too, when all files are looked at', async () => {
    const place = await startPlace();
    const [{ files: here }, { files: there }] = [await place.open(), await place.open()];
    place.state.fails = true;
    await here.update('7', () => recordOf('7'));
    await eventually(async () => {
      await place.clock.pass(5000);
      return there.get('7') !== undefined;
    });
  });

  it('wait for the file that was announced where an older one still shows', async () => {
    const place = await startPlace();
    const [{ files: here }, { files: there }] = [await place.open(), await place.open()];
    const file = join(place.path, 'webhooks', '7.json');
    await here.update('7', () => recordOf('7', 'http://10.0.0.1/old'));
    const old = await readFile(file);
    const next = await here.update('7', (before) =>
      before ? resetRecord(before, { url: 'http://10.0.0.1/new', events: ['*'] }, T + 1) : null,
    );
    await writeFile(file, old);
    await eventually(async () => {
      await place.clock.pass(1000);
      return there.get('7')?.url === 'http://10.0.0.1/old';
    });
    await writeFile(file, JSON.stringify(next));
    const seen = place.clock.now();
    await eventually(async () => {
      await place.clock.pass(1000);
      return there.get('7')?.url === 'http://10.0.0.1/new';
    });
    expect(place.clock.now() - seen).toBeLessThan(50_000);
  });

  it('that cannot be read trouble nobody else, and what is known of them stays', async () => {
    const place = await startPlace();
    const { files } = await place.open();
    await files.update('7', () => recordOf('7'));
    await writeFile(join(place.path, 'webhooks', '8.json'), '{"half');
    await writeFile(join(place.path, 'webhooks', 'not an id.json'), '{}');
    const { files: other, lines } = await place.open();
    expect([...other.all()].map(({ workspace_id }) => workspace_id)).toEqual(['7']);
    expect(lines.some((line) => line.includes('cannot be read'))).toBe(true);
    await writeFile(join(place.path, 'webhooks', '7.json'), 'broken');
    await place.clock.pass(120_000);
    expect(other.get('7')?.url).toBe('http://10.0.0.1/');
    expect(lines.join('')).not.toContain('whsec_');
  });

  it('take changes of one workspace one after the other', async () => {
    const place = await startPlace();
    const { files } = await place.open();
    await files.update('7', () => recordOf('7'));
    const rotate = () => files.update('7', (before) => before && rotatedRecord(before, newSecret(), HOUR, T));
    await Promise.all([rotate(), rotate(), rotate()]);
    expect(files.get('7')?.secrets).toHaveLength(4);
  });
});

describe('a record', () => {
  const shown = (record: WebhookRecord) =>
    record.secrets.map(({ secret, expires_at }) => [secret, expires_at]);
  const at = (time: number) => new Date(time).toISOString();

  it('keeps older secrets for as long as is asked, and no longer than they were to last', () => {
    const [a, b, c] = [newSecret(), newSecret(), newSecret()];
    const first = newRecord('7', { url: 'http://10.0.0.1/', events: ['*'] }, a, T);
    const second = rotatedRecord(first, b, HOUR, T);
    const third = rotatedRecord(second, c, 24 * HOUR, T);
    expect(shown(third)).toEqual([
      [c, null],
      [b, at(T + 24 * HOUR)],
      [a, at(T + HOUR)],
    ]);
    expect(validSecrets(third, T + 2 * HOUR).map(({ secret }) => secret)).toEqual([c, b]);
    expect(shown(rotatedRecord(third, a, 0, T))).toEqual([[a, null]]);
  });

  it('signs with five secrets at most', () => {
    let record = newRecord('7', { url: 'http://10.0.0.1/', events: ['*'] }, newSecret(), T);
    for (let index = 0; index < 9; index += 1) record = rotatedRecord(record, newSecret(), HOUR, T);
    expect(record.secrets).toHaveLength(5);
    expect(record.secrets[0]?.expires_at).toBeNull();
  });

  it('grows in generation also where the clock goes back', () => {
    const first = newRecord('7', { url: 'http://10.0.0.1/', events: ['*'] }, newSecret(), T);
    const second = disabledRecord(first, 'gone', T - HOUR);
    expect(second.generation).toBe(first.generation + 1);
    expect(resetRecord(second, { url: 'http://10.0.0.1/', events: ['*'] }, T + HOUR)).toMatchObject({
      generation: T + HOUR,
      disabled: null,
    });
  });

  it.each([
    [['*'], 'message.received', true],
    [['message.received'], 'message.received', true],
    [['message.received'], 'message.status', false],
  ])('with %s wants %s: %s', (events, type, expected) => {
    expect(wants({ events }, type)).toBe(expected);
  });
});
