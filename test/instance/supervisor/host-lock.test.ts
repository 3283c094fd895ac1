import { randomBytes } from 'node:crypto';
import { describe, expect, it, onTestFinished } from 'vitest';
import { lockInstance } from '../../../instance/supervisor/host-lock.ts';

describe('the lock of an instance on a host', () => {
  const path = `/sessions-${randomBytes(6).toString('hex')}`;
  const lock = async (instance: string, sessionPath: string, who: string) => {
    const unlock = await lockInstance(instance, sessionPath, who);
    onTestFinished(unlock);
    return unlock;
  };

  it('lets one in, and tells the second who that is', async () => {
    await lock('instance-1', path, 'instance-1 on host a (supervisor 4711)');
    await expect(lock('instance-1', path, 'the second')).rejects.toThrow(
      'instance-1 runs on this host already: instance-1 on host a (supervisor 4711). Stop it first, or give this one another INSTANCE_ID.',
    );
  });

  it('keeps no other instance out, and no other fleet', async () => {
    await lock('instance-1', path, 'one');
    await lock('instance-2', path, 'another');
    await lock('instance-1', `${path}-2`, 'one of another fleet');
  });

  it('is free again when it is given back', async () => {
    const unlock = await lockInstance('instance-1', path, 'one');
    await unlock();
    await lock('instance-1', path, 'the next');
  });
});
