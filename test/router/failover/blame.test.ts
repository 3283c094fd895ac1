import { describe, expect, it } from 'vitest';
import { blamedWorkspaces, type Death } from '../../../router/failover/blame.ts';

const death = (instance: string, minute: number, ...starting: string[]): Death => ({
  instance,
  at: minute * 60_000,
  starting,
});

describe('the workspaces blamed for deaths', () => {
  it.each<[string, Death[], string[]]>([
    ['none after one death', [death('instance-1', 1, '7')], []],
    ['one that was starting at two', [death('instance-1', 1, '7', '8'), death('instance-2', 5, '7')], ['7']],
    ['also at two of one instance', [death('instance-1', 1, '7'), death('instance-1', 5, '7')], ['7']],
    [
      'none of a crowd that was starting each time',
      [death('instance-1', 1, '1', '2', '3', '4', '5'), death('instance-2', 5, '1', '2', '3', '4', '5')],
      [],
    ],
    [
      'the one of a crowd that was there once more',
      [
        death('instance-1', 1, '1', '2', '3', '4', '5'),
        death('instance-2', 5, '1', '2', '3', '4', '5'),
        death('instance-3', 9, '3', '9'),
      ],
      ['3'],
    ],
    [
      'none where instances died together',
      [death('instance-1', 1, '7'), death('instance-2', 1, '8'), death('instance-1', 9, '7')],
      [],
    ],
  ])('are %s', (_, deaths, blamed) => {
    expect(blamedWorkspaces(deaths)).toEqual(blamed);
  });
});
