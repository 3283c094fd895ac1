import { describe, expect, it } from 'vitest';
import { parseOptions, WrongUse } from '../../../cli/local-fleet/options.ts';
import { defaultDataDirectory } from '../../../cli/local-fleet/record.ts';

const parse = (...words: string[]) => parseOptions(words, '/somewhere');

describe('the options of npm start', () => {
  it('runs two instances behind port 3000 with the emulator when nothing is said', () => {
    expect(parse()).toEqual({
      port: 3000,
      instances: 2,
      data: defaultDataDirectory(),
      live: false,
      json: false,
    });
  });

  it('takes every option, a relative directory from where it was called', () => {
    expect(parse('--port', '3100', '--instances=4', '--data', 'here/fleet', '--live', '--json')).toEqual({
      port: 3100,
      instances: 4,
      data: '/somewhere/here/fleet',
      live: true,
      json: true,
    });
  });

  it('gives null when help is asked for', () => {
    expect(parse('-h')).toBeNull();
    expect(parse('--port', '1', '--help')).toBeNull();
  });

  it.each([
    [['--port', '65536'], '--port must be a whole number from 0 to 65535, not 65536.'],
    [['--port', '3e3'], '--port must be'],
    [['--port=-1'], '--port must be'],
    [['--instances', '0'], '--instances must be a whole number from 1 to 64, not 0.'],
    [['--instances', 'two'], '--instances must be'],
    [['--data', ''], '--data needs a directory.'],
    [['--prot', '3000'], "Unknown option '--prot'"],
    [['3100'], 'Unknown: 3100.'],
    [['--port'], '--port'],
  ])('refuses %j and says why', (words, reason) => {
    expect(() => parse(...words)).toThrow(WrongUse);
    expect(() => parse(...words)).toThrow(reason);
  });
});
