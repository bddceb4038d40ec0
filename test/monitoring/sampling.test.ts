import { ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api';
import { SamplingDecision } from '@opentelemetry/sdk-trace';
import { describe, expect, it } from 'vitest';
import { samplerOf } from '../../src/monitoring/traces/samplers.ts';
import type { SamplerName } from '../../src/monitoring/traces/variables.ts';

const TRACES = 1000;

/** Numbers from 0 to 1 that come round evenly. */
function evenly(): () => number {
  let drawn = 0;
  return () => ((drawn += 7) % TRACES) / TRACES;
}

/** The share that is kept of traces which a client has begun, or nobody. */
function shareKept(
  sampler: SamplerName,
  ratio: number,
  client?: 'sampled' | 'not sampled',
  idOf?: () => string,
): number {
  const asked = samplerOf(sampler, ratio, evenly());
  let kept = 0;
  for (let index = 0; index < TRACES; index += 1) {
    const ofEqualShares = Math.floor(((index + 0.5) / TRACES) * 2 ** 32);
    const traceId = idOf?.() ?? ofEqualShares.toString(16).padStart(8, '0').padEnd(32, '0');
    const parent = {
      traceId,
      spanId: 'b7ad6b7169203331',
      traceFlags: client === 'sampled' ? 1 : 0,
      isRemote: true,
    };
    const context = client === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
    const { decision } = asked.shouldSample(context, traceId, 'tools/call', SpanKind.SERVER, {}, []);
    if (decision === SamplingDecision.RECORD_AND_SAMPLED) kept += 1;
  }
  return kept / TRACES;
}

describe('a client that has sampled its trace', () => {
  it.each([0, 0.25, 1])('has it kept by a share of %d no more often than others', (ratio) => {
    for (const sampler of ['traceidratio', 'parentbased_traceidratio'] as const) {
      expect(shareKept(sampler, ratio), sampler).toBeCloseTo(ratio, 2);
      expect(shareKept(sampler, ratio, 'sampled'), sampler).toBeCloseTo(ratio, 2);
    }
  });

  it.each(['traceidratio', 'parentbased_traceidratio'] as const)(
    'has it kept no more often for its id, by %s',
    (sampler) => {
      // The first that every share keeps, and the last.
      for (const id of ['1'.padStart(32, '0'), 'f'.repeat(32)])
        expect(shareKept(sampler, 0.01, 'sampled', () => id)).toBeCloseTo(0.01, 2);
      expect(shareKept('traceidratio', 0.01, 'not sampled', () => '1'.padStart(32, '0'))).toBeCloseTo(
        0.01,
        2,
      );
    },
  );

  it('decides where that is what the sampler says', () => {
    expect(shareKept('parentbased_always_off', 1, 'sampled')).toBe(1);
    expect(shareKept('parentbased_always_off', 1)).toBe(0);
    expect(shareKept('always_off', 1, 'sampled')).toBe(0);
  });
});

it('a client that has not sampled its trace has it kept by no sampler that asks its parent', () => {
  for (const sampler of ['parentbased_always_on', 'parentbased_traceidratio'] as const)
    expect(shareKept(sampler, 1, 'not sampled'), sampler).toBe(0);
  expect(shareKept('always_on', 1, 'not sampled')).toBe(1);
});

it('what is within a span of ours is kept when that is, whatever the id of the trace', () => {
  for (const sampler of ['traceidratio', 'parentbased_traceidratio'] as const)
    for (const [traceFlags, decision] of [
      [1, SamplingDecision.RECORD_AND_SAMPLED],
      [0, SamplingDecision.NOT_RECORD],
    ] as const)
      for (const traceId of ['1'.padStart(32, '0'), 'f'.repeat(32)]) {
        const parent = { traceId, spanId: 'b7ad6b7169203331', traceFlags };
        const within = trace.setSpanContext(ROOT_CONTEXT, parent);
        const asked = samplerOf(sampler, 0.5, evenly());
        expect(asked.shouldSample(within, traceId, 'GET', SpanKind.CLIENT, {}, [])).toEqual({ decision });
      }
});
