import { describe, expect, it } from 'vitest';
import { WharfError } from '../../../common/errors.ts';
import { Departures } from '../../../instance/whatsapp/departures.ts';

const authority = (hold: { require: () => void } = { require: () => {} }) => ({ left: () => 1000, ...hold });
const yes = async () => true;

describe('a message that asks whether it may leave', () => {
  it('may once, and is known by its id from then on', async () => {
    const departures = new Departures(authority());
    const departure = departures.open('k', yes);
    expect(await departures.ask('k', 'w')).toBe(true);
    expect(departure.whatsappId).toBe('w');
    expect(await departures.ask('k', 'w')).toBe(false);
  });

  it('may not where nobody waits for it any more, or never did', async () => {
    const departures = new Departures(authority());
    const departure = departures.open('k', yes);
    departures.close('k', departure);
    expect(await departures.ask('k', 'w')).toBe(false);
    expect(await departures.ask('another', 'w')).toBe(false);
    expect(departure.whatsappId).toBeUndefined();
  });

  it('may not where it was given up while that it begins was written down', async () => {
    const departures = new Departures(authority());
    let written = (_begun: boolean) => {};
    const begun = new Promise<boolean>((resolve) => {
      written = resolve;
    });
    const departure = departures.open('k', () => begun);
    const asked = departures.ask('k', 'w');
    departures.close('k', departure);
    written(true);
    expect(await asked).toBe(false);
    expect(departure.whatsappId).toBeUndefined();
  });

  it('may not where it was cancelled', async () => {
    const departures = new Departures(authority());
    departures.open('k', async () => false);
    expect(await departures.ask('k', 'w')).toBe(false);
  });

  it.each([
    ['before', 1],
    ['while', 2],
  ])('may not where the authority ends %s it is written down', async (_when, at) => {
    let asked = 0;
    let begun = 0;
    const departures = new Departures(
      authority({
        require: () => {
          asked += 1;
          if (asked === at) throw new WharfError('not_owner', 'another has it');
        },
      }),
    );
    const departure = departures.open('k', async () => {
      begun += 1;
      return true;
    });
    expect(await departures.ask('k', 'w')).toBe(false);
    expect(departure).toMatchObject({ whatsappId: undefined, refusal: { code: 'not_owner' } });
    expect(begun).toBe(at - 1);
  });

  it('belongs to its own try: closing an earlier one takes nothing from a later', async () => {
    const departures = new Departures(authority());
    const first = departures.open('k', yes);
    const second = departures.open('k', yes);
    departures.close('k', first);
    expect(await departures.ask('k', 'w')).toBe(true);
    expect(second.whatsappId).toBe('w');
  });
});
