import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { WharfError } from '../../../common/errors.ts';
import { createLogger } from '../../../common/logger.ts';
import { openTracer } from '../../../common/tracing/open-tracer.ts';
import { NO_TRACER, type OpenTracer, TRACEPARENT } from '../../../common/tracing/tracer.ts';
import { eventually } from '../../helpers/eventually.ts';
import { TraceCollector } from '../../helpers/trace-collector.ts';

const SERVICE = { name: 'wharf-test', version: '1.2.3', instance: 'test-1' };
const ON = { OTEL_TRACES_EXPORTER: 'otlp' };
const CALLER = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

const lines: Record<string, unknown>[] = [];
const log = createLogger('warn', {}, { write: (line) => lines.push(JSON.parse(line)) });
let collector: TraceCollector | undefined;
afterEach(async () => {
  vi.unstubAllEnvs();
  lines.length = 0;
  await collector?.close();
  collector = undefined;
});

async function tracing(env: Record<string, string> = {}): Promise<OpenTracer> {
  collector = await TraceCollector.open();
  // The exporter reads its own variables.
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', collector.url);
  return await openTracer(SERVICE, { ...ON, ...env }, log);
}

describe('traces', () => {
  it('are not made where nobody asked for them, and their libraries not loaded', async () => {
    for (const env of [{}, { OTEL_TRACES_EXPORTER: 'none' }, { ...ON, OTEL_SDK_DISABLED: 'true' }]) {
      const { tracer, close } = await openTracer(SERVICE, env, log);
      expect(tracer).toBe(NO_TRACER);
      expect(await tracer.run({ name: 'a', kind: 'internal' }, async () => tracer.current())).toBeUndefined();
      await close();
    }
    const built = fileURLToPath(new URL('../../../dist/common/tracing/open-tracer.js', import.meta.url));
    const script = `
      import { createRequire } from 'node:module';
      const { openTracer } = await import(${JSON.stringify(built)});
      const loaded = () => Object.keys(createRequire(import.meta.url).cache).filter((path) => path.includes('sdk-trace')).length;
      await openTracer({}, {}, console);
      const off = loaded();
      await (await openTracer({ name: 'a', version: '1', instance: 'b' }, { OTEL_TRACES_EXPORTER: 'otlp' }, console)).close();
      console.log(off, loaded() > 0);
    `;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
    expect(stdout.trim()).toBe('0 true');
  });

  it('refuse an exporter that is none of theirs', async () => {
    await expect(openTracer(SERVICE, { OTEL_TRACES_EXPORTER: 'jaeger' }, log)).rejects.toThrow(
      'OTEL_TRACES_EXPORTER must be otlp or none, not jaeger.',
    );
  });

  it('go on where a caller began them, and hang together', async () => {
    const { tracer, close } = await tracing();
    const parents: (string | undefined)[] = [];
    await tracer.run({ name: 'outer', kind: 'server', parent: CALLER }, async (span) => {
      span.rename('POST /things');
      span.set({ 'wharf.count': 3 });
      parents.push(tracer.current());
      await tracer.run({ name: 'inner', kind: 'client' }, async () => {
        parents.push(tracer.current());
      });
    });
    expect(tracer.current()).toBeUndefined();
    await close();
    const outer = collector?.spans.find(({ name }) => name === 'POST /things');
    const inner = collector?.spans.find(({ name }) => name === 'inner');
    expect(outer).toMatchObject({
      service: 'wharf-test',
      trace: '0af7651916cd43dd8448eb211c80319c',
      parent: 'b7ad6b7169203331',
      attributes: { 'wharf.count': 3 },
    });
    expect(inner).toMatchObject({ trace: outer?.trace, parent: outer?.id });
    expect(parents).toEqual([outer, inner].map((span) => `00-${span?.trace}-${span?.id}-01`));
  });

  it('keep apart what goes on at the same time', async () => {
    const { tracer, close } = await tracing();
    const one = async (name: string) =>
      await tracer.run({ name, kind: 'internal', parent: null }, async () => {
        await new Promise((resolve) => setImmediate(resolve));
        return tracer.current()?.split('-')[1];
      });
    const traces = await Promise.all(['a', 'b', 'c'].map(one));
    await close();
    expect(traces).toEqual(
      ['a', 'b', 'c'].map((name) => collector?.spans.find((s) => s.name === name)?.trace),
    );
    expect(new Set(traces).size).toBe(3);
  });

  it('say of a failure which it was, and pass it on', async () => {
    const { tracer, close } = await tracing();
    const failing = tracer.run({ name: 'a', kind: 'internal', parent: null }, async () => {
      throw new WharfError('queue_full', 'A queue of 4915112345678 is full.');
    });
    await expect(failing).rejects.toThrow('is full');
    await close();
    expect(collector?.spans).toMatchObject([{ status: 2, attributes: { 'error.type': 'queue_full' } }]);
    expect(JSON.stringify(collector?.spans)).not.toContain('4915112345678');
  });

  it.each(['', 'nonsense', `${CALLER}-more`, '00-00000000000000000000000000000000-b7ad6b7169203331-01'])(
    'begin anew where the caller says %j',
    async (parent) => {
      const { tracer, close } = await tracing();
      await tracer.run({ name: 'a', kind: 'server', parent }, async () => {
        expect(tracer.current()).toMatch(TRACEPARENT);
      });
      await close();
      expect(collector?.spans[0]?.parent).toBeNull();
    },
  );

  it('are not kept where the caller keeps none', async () => {
    const { tracer, close } = await tracing();
    await tracer.run({ name: 'a', kind: 'server', parent: CALLER.replace(/01$/, '00') }, async () => {
      expect(tracer.current()).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-00$/);
    });
    await close();
    expect(collector?.spans).toEqual([]);
  });

  it('hold up nothing where the collector is away, and are complained of once', async () => {
    const { tracer, close } = await tracing();
    await collector?.close();
    collector = undefined;
    for (let index = 0; index < 3000; index += 1)
      await tracer.run({ name: 'a', kind: 'internal', parent: null }, async () => {});
    // The exporter tries again for seconds before it complains.
    await eventually(() => lines.length > 0, 60_000);
    await close();
    expect(lines.map(({ msg }) => msg)).toEqual(['traces could not be sent, and are dropped']);
  }, 90_000);
});
