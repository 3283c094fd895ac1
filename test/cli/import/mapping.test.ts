import { describe, expect, it } from 'vitest';
import { parseMapping } from '../../../cli/import/mapping.ts';

describe('a mapping of profiles to sessions', () => {
  it('is read from CSV, with quotes, empty cells and lines that end as on Windows', () => {
    const text =
      'client_id,workspace_id,session_id,account_id\r\nshop,7,sales,"CRM, ""4711"""\r\n\r\nagency,acme,,\r\n';
    expect(parseMapping(text, 'map.csv')).toEqual([
      { client_id: 'shop', workspace_id: '7', session_id: 'sales', account_id: 'CRM, "4711"' },
      { client_id: 'agency', workspace_id: 'acme' },
    ]);
  });

  it('is read from JSON', () => {
    const text = '[{"client_id": 12, "workspace_id": 7, "proxy": "socks5://10.0.0.9:1080"}]';
    expect(parseMapping(text, 'map.json')).toEqual([
      { client_id: '12', workspace_id: '7', proxy: 'socks5://10.0.0.9:1080' },
    ]);
  });

  it('names every fault at once, with its entry', () => {
    const text =
      'client_id,workspace_id,session_id\nshop,007,\nagency,7,a b\nshop,8,\nshop,8,x\none,9,both\ntwo,9,both\n';
    expect(() => parseMapping(text, 'map.csv')).toThrow(
      /entry 1: workspace_id: .*\n.*entry 2: session_id: .*\n.*shop stands in it twice\n.*two profiles would become session 9\/both/s,
    );
  });

  it.each([
    ['', 'its first line must name the columns'],
    ['shop,7\n', 'its first line must name the columns'],
    ['client_id,tenant\nshop,7\n', 'its first line must name the columns'],
    ['client_id,workspace_id\n', 'it is empty'],
    ['client_id,workspace_id\nshop,7,sales\n', 'entry 1'],
    ['{"client_id": "shop"}', 'no list'],
    ['[{"client_id": "shop", "workspace_id": 7, "tenant": 1}]', 'entry 1'],
    ['[', 'map'],
  ])('refuses %j', (text, why) => {
    expect(() => parseMapping(text, 'map')).toThrow(why);
  });
});
