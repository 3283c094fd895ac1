import type { Env } from '../env.ts';
import { WharfError } from '../errors.ts';

/** Which traces are kept. */
export interface Sampling {
  /** The share of traces that begin here, 0 to 1. */
  ratio: number;
  /** Whether a trace that began elsewhere is kept as whoever began it decided. */
  followsParent: boolean;
}

const RATIOS = new Map<string, number | 'argument'>([
  ['always_on', 1],
  ['always_off', 0],
  ['traceidratio', 'argument'],
]);
const PARENT = 'parentbased_';

/**
 * Reads `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG`, as OpenTelemetry's specification names them. Default: `parentbased_always_on`.
 *
 * @throws WharfError `config_invalid`
 */
export function samplingOf(env: Env): Sampling {
  const name = env['OTEL_TRACES_SAMPLER']?.trim() || `${PARENT}always_on`;
  const followsParent = name.startsWith(PARENT);
  const ratio = RATIOS.get(followsParent ? name.slice(PARENT.length) : name);
  if (ratio === undefined) {
    const known = [...RATIOS.keys()].flatMap((each) => [each, `${PARENT}${each}`]);
    throw new WharfError(
      'config_invalid',
      `OTEL_TRACES_SAMPLER must be one of ${known.join(', ')}, not ${name.slice(0, 40)}.`,
    );
  }
  return { ratio: ratio === 'argument' ? argumentOf(env) : ratio, followsParent };
}

function argumentOf(env: Env): number {
  const text = env['OTEL_TRACES_SAMPLER_ARG']?.trim() || '1';
  const ratio = Number(text);
  if (ratio >= 0 && ratio <= 1) return ratio;
  throw new WharfError(
    'config_invalid',
    `OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1, not ${text.slice(0, 40)}.`,
  );
}
