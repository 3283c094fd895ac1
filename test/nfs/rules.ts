import type { Found } from './found.ts';

/** A step of a takeover that takes longer waited for a machine that is lost; milliseconds. */
const LONG_STEP = 15_000;

/** What Wharf's rules rest on and was found broken, a line each. Pure. */
export function brokenRules(found: Found): string[] {
  const broken: string[] = [];
  const rule = (holds: boolean, otherwise: string) => {
    if (!holds) broken.push(otherwise);
  };
  for (const { mount, what, delay } of found.visibility) {
    // Looks by name alone are measured to show why they are not enough; without close-to-open no look is.
    const counts = what !== 'open' && !mount.includes('nocto');
    rule(!counts || delay.stale === 0, `${mount}: ${what} missed a claim that had been made`);
  }
  const races = [
    ...found.races.map(({ mount, races: one }) => ({ where: mount, one })),
    ...found.host_names.map(({ naming, races: one }) => ({ where: naming, one })),
  ];
  for (const { where, one } of races) {
    rule(one.two === 0, `${where}: ${one.two} claims had two winners`);
    rule(one.disagreed === 0, `${where}: clients read different winners`);
  }
  for (const { naming, lock_given_twice, logs } of found.host_names) {
    rule(naming === 'equal host names' || !lock_given_twice, `${naming}: a lock was given twice`);
    rule(
      logs.every(({ faults, missing }) => faults + missing === 0),
      `${naming}: lines were lost or spoiled`,
    );
  }
  for (const one of found.cut_off) {
    const after = `cut off for ${one.away} s`;
    rule(one.changed.length === 0, `${after}: adopted files changed: ${one.changed.join(', ')}`);
    rule(
      one.new_log.faults === 0 && one.new_log.writers.join() === 'heir',
      `${after}: somebody else wrote in the new generation`,
    );
    rule(!one.old_owner_won, `${after}: the old owner claimed an epoch that was taken`);
    rule(one.old_owner_sees === 2, `${after}: the old owner did not see the new claim at its first look`);
  }
  for (const { faults } of found.power_off) rule(faults === 0, 'powered off: a copied log has spoiled lines');
  for (const { steps } of [...found.cut_off, ...found.power_off])
    for (const [step, took] of Object.entries(steps))
      rule(took <= LONG_STEP, `a takeover waited ${Math.round(took / 1000)} s for the lost client: ${step}`);
  for (const one of found.failover) {
    rule(one.ready_again !== null, `${one.loss}: the session did not come back`);
    rule(one.qr_asked === 0, `${one.loss}: a QR was asked for`);
    rule(one.shown === one.delivered, `${one.loss}: ${one.delivered - one.shown} messages do not show`);
    rule(one.rollbacks === 0, `${one.loss}: an older profile was seen`);
    rule(
      one.browsers_after === null || one.browsers_after === 0,
      `${one.loss}: the old owner runs a browser`,
    );
  }
  return broken;
}
