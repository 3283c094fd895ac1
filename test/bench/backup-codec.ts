import zlib from 'node:zlib';
import { runProcess } from '../../common/lifecycle.ts';
import { type Material, profileMaterial } from './codec/profiles.ts';
import { benchArguments, publish, rounded } from './support/report.ts';

/**
 * How objects of backups are best compressed: ratio, and the CPU time of compressing and decompressing, of what real browsers wrote. Each object by itself, as the store holds them.
 * zstd is measured where Node has it (22.15 and later): `node@22 dist/test/bench/backup-codec.js`.
 */
interface Candidate {
  name: string;
  compress(bytes: Buffer): Buffer;
  decompress(bytes: Buffer): Buffer;
}

/** CPU seconds that each figure is measured for, at least. */
const LEAST = 1.5;

await runProcess(async () => {
  const args = benchArguments();
  const all = candidates();
  const material = await profileMaterial();
  const figures: Record<string, number> = {};
  const rows: [string, string][] = [];
  for (const kind of ['tables', 'logs', 'archives'] as const) {
    const objects = material[kind];
    const size = sizeOf(objects);
    rows.push([`${kind}: ${objects.length}, ${rounded(size / 1e6)} MB`, '']);
    for (const { name, compress, decompress } of all) {
      const compressed = objects.map(compress);
      const ratio = sizeOf(compressed) / size;
      const inward = speed(size, () => void objects.forEach(compress), args.quick);
      const outward = speed(size, () => void compressed.forEach(decompress), args.quick);
      const key = `${name.replace(/\W+/g, '_')}_${kind}`;
      figures[`${key}_ratio`] = rounded(ratio, 3);
      figures[`${key}_mb_per_cpu_s`] = rounded(inward, 0);
      figures[`${key}_back_mb_per_cpu_s`] = rounded(outward, 0);
      rows.push([
        `  ${name}`,
        `${(ratio * 100).toFixed(1)} %, ${inward.toFixed(0)} MB/s, back ${outward.toFixed(0)} MB/s`,
      ]);
    }
  }
  await publish(
    {
      name: 'codec',
      title: 'Compression of objects of backups, by CPU time',
      runs: 1,
      versions: {},
      figures,
      rows,
      details: sizes(material),
    },
    args,
  );
  return 0;
});

function candidates(): Candidate[] {
  const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_SIZE_HINT, BROTLI_PARAM_LGWIN } = zlib.constants;
  return [
    ...[1, 6].map((level) => ({
      name: `gzip ${level}`,
      compress: (bytes: Buffer) => zlib.gzipSync(bytes, { level }),
      decompress: (bytes: Buffer) => zlib.gunzipSync(bytes),
    })),
    ...[0, 1, 2, 3].map((quality) => ({
      name: `brotli ${quality}`,
      compress: (bytes: Buffer) =>
        zlib.brotliCompressSync(bytes, {
          params: {
            [BROTLI_PARAM_QUALITY]: quality,
            [BROTLI_PARAM_SIZE_HINT]: bytes.length,
            [BROTLI_PARAM_LGWIN]: 22,
          },
        }),
      decompress: (bytes: Buffer) => zlib.brotliDecompressSync(bytes),
    })),
    ...zstd(),
  ];
}

/** Node's own, where it has it; the types are those of Node 20. */
function zstd(): Candidate[] {
  const { zstdCompressSync, zstdDecompressSync } = zlib as unknown as {
    zstdCompressSync?: (bytes: Buffer, options: { params: Record<number, number> }) => Buffer;
    zstdDecompressSync?: (bytes: Buffer) => Buffer;
  };
  if (zstdCompressSync === undefined || zstdDecompressSync === undefined) {
    process.stderr.write('zstd is NOT measured: this Node has none (22.15 and later have)\n');
    return [];
  }
  // ZSTD_c_compressionLevel is 100 in zstd.h.
  return [1, 3].map((level) => ({
    name: `zstd ${level}`,
    compress: (bytes: Buffer) => zstdCompressSync(bytes, { params: { 100: level } }),
    decompress: (bytes: Buffer) => zstdDecompressSync(bytes),
  }));
}

/** MB a second of CPU time, which does not hang on what else the machine does. */
function speed(size: number, call: () => void, quick: boolean): number {
  call();
  const began = process.cpuUsage();
  let passes = 0;
  for (;;) {
    call();
    passes += 1;
    const { user, system } = process.cpuUsage(began);
    const seconds = (user + system) / 1e6;
    if (seconds >= (quick ? 0.1 : LEAST)) return (passes * size) / 1e6 / seconds;
  }
}

function sizeOf(objects: readonly Buffer[]): number {
  return objects.reduce((sum, { length }) => sum + length, 0);
}

function sizes(material: Material): Record<string, number[]> {
  return Object.fromEntries(
    Object.entries(material).map(([kind, objects]) => [kind, objects.map(({ length }: Buffer) => length)]),
  );
}
