import { describe, expect, it } from 'vitest';
import { samplingOf } from '../../../common/tracing/sampling.ts';

describe('which traces are kept', () => {
  it.each([
    [{}, 1, true],
    [{ OTEL_TRACES_SAMPLER: ' ' }, 1, true],
    [{ OTEL_TRACES_SAMPLER: 'always_on' }, 1, false],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_always_off' }, 0, true],
    [{ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.25' }, 0.25, false],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_traceidratio' }, 1, true],
  ])('is said by %j', (env, ratio, followsParent) => {
    expect(samplingOf(env)).toEqual({ ratio, followsParent });
  });

  it.each([
    [{ OTEL_TRACES_SAMPLER: 'sometimes' }, /OTEL_TRACES_SAMPLER must be one of always_on, .*, not sometimes/],
    [{ OTEL_TRACES_SAMPLER: 'toString' }, /not toString/],
    [
      { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '20%' },
      /must be a number from 0 to 1, not 20%/,
    ],
    [{ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '2' }, /from 0 to 1, not 2/],
  ])('is refused where %j makes no sense', (env, message) => {
    expect(() => samplingOf(env)).toThrow(message);
  });
});
