import { describe, expect, it } from 'vitest';
import { eventually } from '../../helpers/eventually.ts';
import { aSession, readySession, runningSession, started } from '../helpers/lone-session.ts';

describe('a session', () => {
  it('keeps, when the phone removed the device, the profile in the trash, and can be linked anew', async () => {
    const { session, clients, trash, stored } = await readySession();
    clients.last.events.loggedOut();
    await eventually(() => session.status === 'logged_out');
    expect(trash.moved).toEqual(['main/gen-1']);
    expect(stored()).toMatchObject({ should_run: false, linked: false, phone_number: null });
    expect(session.detail().last_error).toMatch(/removed on the phone.*trash for 7 days/);
    await session.start();
    await started(clients, 2);
    clients.last.events.qr('new');
    expect(session.status).toBe('qr');
    expect(session.detail().last_error).toBeNull();
    await session.stop();
  });

  it('counts a QR after it was linked as a logout, where there is no good copy of its profile', async () => {
    const { session, clients, trash } = await runningSession({ record: { linked: true, phone_number: '1' } });
    clients.last.events.qr('code');
    await eventually(() => session.status === 'logged_out');
    expect(trash.moved).toEqual(['main/gen-1']);
    expect(session.links.current).toBeUndefined();
  });

  it('that asks for a QR though it was linked is started with its last good copy, once', async () => {
    const { session, clients, clock, profiles, trash, stored, lines } = await runningSession({
      record: { linked: true, phone_number: '491701234567' },
    });
    profiles.lastGood = 'the good copy of yesterday';
    clients.last.events.qr('code');
    await eventually(() => clock.wake(0));
    await started(clients, 2);
    expect(profiles.calls).toEqual(['last good']);
    expect(stored()).toMatchObject({ linked: true, should_run: true, restored_at: expect.any(String) });
    expect(session.links.current).toBeUndefined();
    expect(trash.moved).toEqual([]);
    expect(lines).toContainEqual(
      expect.objectContaining({
        level: 'error',
        from: 'the good copy of yesterday',
        reason: expect.stringContaining('QR'),
      }),
    );

    clients.last.events.qr('code');
    await eventually(() => session.status === 'logged_out');
    expect(profiles.calls).toEqual(['last good']);
    expect(clients.most).toBe(1);
    expect(trash.moved).toEqual(['main/gen-1']);
  });

  it('may be started with its last good copy again once it was ready with it', async () => {
    const { session, clients, clock, profiles, stored } = await runningSession({
      record: { linked: true, phone_number: '491701234567' },
    });
    profiles.lastGood = 'the good copy of yesterday';
    clients.last.events.qr('code');
    await eventually(() => clock.wake(0));
    await started(clients, 2);
    clients.last.becomeReady();
    await eventually(() => stored()?.restored_at === null);
    await eventually(() => profiles.calls.includes('tidy'));
    await session.restart();
    await started(clients, 3);
    clients.last.events.qr('code');
    await eventually(() => clock.wake(0));
    await started(clients, 4);
    expect(profiles.calls).toEqual(['last good', 'ready', 'tidy', 'good copy', 'last good']);
    await session.stop();
  });

  it('is not started with its last good copy where the phone removed the device', async () => {
    const { session, clients, profiles } = await readySession();
    profiles.lastGood = 'the good copy of yesterday';
    clients.last.events.loggedOut();
    await eventually(() => session.status === 'logged_out');
    expect(profiles.calls).not.toContain('last good');
  });

  it('whose instance ended after it had tried its last good copy does not try it again', async () => {
    const { session, clients, profiles } = await runningSession({
      record: { linked: true, phone_number: '1', restored_at: '2026-11-22T00:00:00.000Z' },
    });
    profiles.lastGood = 'the good copy of yesterday';
    clients.last.events.qr('code');
    await eventually(() => session.status === 'logged_out');
    expect(profiles.calls).toEqual([]);
  });

  it('whose instance ended between taking the last good copy and saying so says so at the next start', async () => {
    const { session, profiles, clients, stored } = aSession({ record: { linked: true, phone_number: '1' } });
    profiles.lastGood = 'the good copy of yesterday';
    await profiles.prepareLastGood();
    session.resume();
    await started(clients, 1);
    expect(stored()).toMatchObject({ restored_at: expect.any(String) });
    await session.stop();
  });

  it('whose profile is damaged is started with its last good copy, where it was linked', async () => {
    const { session, profiles, clients } = aSession({ record: { linked: true, phone_number: '1' } });
    profiles.state = 'damaged';
    profiles.lastGood = 'the good copy of yesterday';
    session.resume();
    await started(clients, 1);
    expect(profiles.calls).toEqual(['last good']);
    await session.stop();
  });

  it('keeps a copy of its profile after a clean stop, if it was ready before', async () => {
    const unlinked = await runningSession();
    await unlinked.session.stop();
    expect(unlinked.profiles.calls).toEqual([]);
    const linked = await readySession();
    await linked.session.stop();
    expect(linked.profiles.calls).toEqual(['ready', 'tidy', 'good copy']);
  });

  it('draws an id for each link it gets, and says how the one before ended', async () => {
    const { session, clients, stored } = await readySession();
    await eventually(() => stored()?.link_id);
    const first = stored()?.link_id;
    expect(stored()).toMatchObject({
      linked: true,
      link_id: expect.stringMatching(/^[0-9a-f]{24}$/),
      link_ended: null,
    });
    await session.restart();
    await started(clients, 2);
    clients.last.becomeReady();
    await eventually(() => session.status === 'ready');
    expect(session.record.link_id).toBe(first);
    clients.last.events.loggedOut();
    await eventually(() => session.status === 'logged_out');
    expect(stored()).toMatchObject({ linked: false, link_id: null, link_ended: 'removed' });
    await session.logout();
    expect(stored()).toMatchObject({ link_ended: 'removed' });
    await session.start();
    await started(clients, 3);
    clients.last.becomeReady();
    await eventually(() => stored()?.link_id);
    expect(stored()?.link_id).not.toBe(first);
    await session.logout();
    expect(stored()).toMatchObject({ linked: false, link_id: null, link_ended: 'logged_out' });
  });

  it('that lost its link and has no good copy of its profile may be restored from a backup: its record says that it was lost', async () => {
    const { session, clients, stored } = await runningSession({
      record: { linked: true, phone_number: '1', link_id: 'a' },
    });
    clients.last.events.qr('code');
    await eventually(() => session.status === 'logged_out');
    expect(stored()).toMatchObject({ linked: false, link_id: null, link_ended: 'lost' });
  });

  it('gets an id for a link of before there were such when it is ready', async () => {
    const { session, stored } = await readySession({
      record: { linked: true, phone_number: '491701234567' },
    });
    await eventually(() => stored()?.link_id);
    await session.stop();
  });

  it('is at rest while no browser has its profile open, and counts the lives of its browsers', async () => {
    const { session, clients } = aSession();
    expect([session.isAtRest, session.lives]).toEqual([true, 0]);
    await session.start();
    expect(session.isAtRest).toBe(false);
    await started(clients, 1);
    await session.stop();
    expect([session.isAtRest, session.lives]).toEqual([true, 1]);
  });
});
