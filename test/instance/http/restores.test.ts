import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { expectProblem, InstanceApi, MAIN, TOKEN } from '../helpers/instance-api.ts';

const RESTORE = 'r-20261122T093000Z-1a2b3c';

describe('the routes of restores on an instance', () => {
  let api: InstanceApi;
  beforeEach(async () => {
    api = await InstanceApi.start();
  });
  afterEach(() => api.close());

  it.each(['restore', 'undo-restore'])('%s answers 421 for a workspace that is not its own', async (what) => {
    expectProblem(await api.ask('POST', `${MAIN}/${what}`, { restore: RESTORE }), 421, 'not_owner');
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

  it('adopts a workspace that nobody owned only where it is told to', async () => {
    const headers = { 'x-wharf-token': TOKEN, 'x-wharf-adopt': 'first' };
    const answer = await api.ask('POST', `${MAIN}/restore`, { restore: RESTORE }, headers);
    expectProblem(answer, 404, 'restore_not_found');
    expect(api.manager.workspaces.tenure('7').epoch).toBe(1);
  }, 20_000);
});
