import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { readEnv } from '../../../common/env.ts';
import { createLogger } from '../../../common/logger.ts';
import { InstanceProcess } from '../../../instance/supervisor/instance-process.ts';
import { HandClock } from '../../helpers/hand-clock.ts';

const main = fileURLToPath(new URL('./fake-instance.mjs', import.meta.url));

it('is told of once a minute where it is killed and stays, as one does that waits for a storage that hangs', async () => {
  const clock = new HandClock();
  const told: string[] = [];
  const log = createLogger('warn', {}, { write: (line) => told.push(JSON.parse(line).why) });
  const program = { main, nodeFlags: [], env: readEnv(), startPatience: 60_000, beatPatience: 60_000 };
  const process = new InstanceProcess(program, 'a', clock, log);
  // Its end is seen only after this: all of it happens in one turn.
  for (const why of ['first', 'second', 'third']) process.kill(why);
  clock.pass(59_999);
  process.kill('fourth');
  expect(told).toEqual(['first']);
  clock.pass(1);
  process.kill('fifth');
  expect(told).toEqual(['first', 'fifth']);
  await process.ended;
  clock.pass(60_000);
  process.kill('after its end');
  expect(told).toEqual(['first', 'fifth']);
});
