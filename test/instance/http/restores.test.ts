import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aRecord } from '../../helpers/session-record.ts';
import { expectProblem, InstanceApi, MAIN, TOKEN } from '../helpers/instance-api.ts';

const RESTORE = 'r-20261122T093000Z-1a2b3c';

describe('the routes of restores on an instance', () => {
  let api: InstanceApi;
  beforeEach(async () => {
    api = await InstanceApi.start();
  });
  afterEach(() => api.close());

  /** Lays the session ready without a profile, as one that was never linked. */
  async function prepare(): Promise<void> {
    const directory = api.paths.preparedRestore('7', 'main', RESTORE);
    await mkdir(directory, { recursive: true });
    const prepared = {
      version: 1,
      restore: RESTORE,
      record: aRecord({ should_run: false }),
      taken_at: '2026-11-22T08:00:00.000Z',
      chromium: null,
      files: null,
      forced: false,
    };
    await writeFile(join(directory, 'prepared.json'), JSON.stringify(prepared));
  }

  it('answers 421 for a workspace that is not its own', async () => {
    await prepare();
    expectProblem(await api.ask('POST', `${MAIN}/restore`, { restore: RESTORE }), 421, 'not_owner');
  });

  it.each(['restore', 'undo-restore'])(
    '%s says that there is no such restore, and stops nothing',
    async (what) => {
      await api.createReady();
      expectProblem(await api.ask('POST', `${MAIN}/${what}`, { restore: RESTORE }), 404, 'restore_not_found');
      expect(api.clients.running).toBe(1);
      expect(api.clients.made).toHaveLength(1);
    },
    20_000,
  );

  it.each([
    [{}],
    [{ restore: '../../7' }],
    [{ restore: 'r-20261122T093000Z-1A2B3C' }],
    [{ restore: RESTORE, force: true }],
  ])('refuses the body %o', async (body) => {
    await api.createReady();
    expectProblem(await api.ask('POST', `${MAIN}/restore`, body), 400, 'invalid_request');
  });

  it('asks for the internal token', async () => {
    const headers = { 'x-wharf-token': TOKEN.replace('a', 'b') };
    expectProblem(
      await api.ask('POST', `${MAIN}/restore`, { restore: RESTORE }, headers),
      401,
      'unauthorized',
    );
  });

  it('adopts a workspace that nobody owned where it is told to, and answers with the session; undone, there is none', async () => {
    await prepare();
    const headers = { 'x-wharf-token': TOKEN, 'x-wharf-adopt': 'first' };
    const answer = await api.ask('POST', `${MAIN}/restore`, { restore: RESTORE }, headers);
    expect(answer).toMatchObject({
      status: 200,
      json: { session: { status: 'stopped', epoch: 1 }, trash: null },
    });
    const undone = await api.ask('POST', `${MAIN}/undo-restore`, { restore: RESTORE });
    expect(undone).toMatchObject({ status: 200, json: { session: null, trash: null } });
    expectProblem(await api.ask('GET', MAIN), 404, 'session_not_found');
  });
});
