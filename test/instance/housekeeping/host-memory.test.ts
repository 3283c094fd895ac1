import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isShort, memoryLeft, readHostMemory } from '../../../instance/housekeeping/host-memory.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';

const GB = 1024 ** 3;
const MEMINFO = `MemTotal:        8388608 kB
MemFree:          100000 kB
MemAvailable:    4194304 kB
Buffers:            1000 kB
`;

describe('what is left of memory', () => {
  it('is what the host has, where its control group has no limit', () => {
    expect(memoryLeft(MEMINFO, null)).toEqual({ available: 4 * GB, total: 8 * GB });
    expect(memoryLeft(MEMINFO, { limit: 16 * GB, current: 1, reclaimable: 0 })?.total).toBe(8 * GB);
  });

  it('is what the control group has where that is less, without what the kernel takes back', () => {
    const group = { limit: 2 * GB, current: 1.9 * GB, reclaimable: 0 };
    expect(isShort(memoryLeft(MEMINFO, group) ?? { available: 1, total: 1 })).toBe(true);
    const cached = { ...group, reclaimable: GB };
    expect(isShort(memoryLeft(MEMINFO, cached) ?? { available: 0, total: 1 })).toBe(false);
  });

  it('cannot be told of a text that says nothing of it', () => {
    expect(memoryLeft('', null)).toBeNull();
    expect(memoryLeft('MemTotal: 8 kB\n', null)).toBeNull();
  });

  it('is read of this host', async () => {
    const left = await readHostMemory();
    expect(left?.total).toBeGreaterThan(100 * 1024 ** 2);
    expect(left?.available).toBeLessThanOrEqual(left?.total ?? 0);
  });

  it.each([
    ['its soft limit', { 'memory.high': '1073741824', 'memory.max': 'max' }, GB],
    ['its hard one', { 'memory.high': 'max', 'memory.max': '2147483648' }, 2 * GB],
    ['the host, where there is none', { 'memory.high': 'max', 'memory.max': 'max' }, 8 * GB],
  ])('is read of a control group by %s', async (_what, limits, total) => {
    const root = await temporaryDirectory();
    const files = {
      'proc/meminfo': MEMINFO,
      'proc/self/cgroup': '0::/wharf.slice/one.service\n',
      'sys/fs/cgroup/wharf.slice/one.service/memory.current': '1500000000\n',
      'sys/fs/cgroup/wharf.slice/one.service/memory.stat': 'anon 1\ninactive_file 1000\nactive_file 5\n',
      ...Object.fromEntries(
        Object.entries(limits).map(([name, text]) => [`sys/fs/cgroup/wharf.slice/one.service/${name}`, text]),
      ),
    };
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), text);
    }
    expect((await readHostMemory(root))?.total).toBe(total);
  });

  it('is not told where there is no /proc', async () => {
    expect(await readHostMemory(await temporaryDirectory())).toBeNull();
  });
});
