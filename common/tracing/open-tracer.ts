import type { Env } from '../env.ts';
import { WharfError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { NO_TRACER, type OpenTracer, type TracedService } from './tracer.ts';

/**
 * Traces as OpenTelemetry's own variables say: `OTEL_TRACES_EXPORTER=otlp` has them made and sent. By default there are none, and the libraries are not
 * even loaded.
 *
 * @throws WharfError `config_invalid`
 */
export async function openTracer(service: TracedService, env: Env, log: Logger): Promise<OpenTracer> {
  const exporter = env['OTEL_TRACES_EXPORTER']?.trim() || 'none';
  if (exporter !== 'otlp' && exporter !== 'none')
    throw new WharfError(
      'config_invalid',
      `OTEL_TRACES_EXPORTER must be otlp or none, not ${exporter.slice(0, 40)}.`,
    );
  const disabled = env['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true';
  if (exporter === 'none' || disabled) return { tracer: NO_TRACER, close: async () => {} };
  const { openOtelTracer } = await import('./otel-tracer.ts');
  return openOtelTracer(service, env, log);
}
