import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  SamplingDecision,
  TraceIdRatioBasedSampler,
  type Sampler,
} from '@opentelemetry/sdk-trace';
import type { SamplerName } from './variables.ts';

/**
 * Keeps a share of what others ask for. OpenTelemetry asks the id of the trace, or keeps what a parent has sampled; ours are
 * clients, which choose both.
 */
const drawn = (ratio: number, random: () => number): Sampler => ({
  shouldSample: () => ({
    decision: random() < ratio ? SamplingDecision.RECORD_AND_SAMPLED : SamplingDecision.NOT_RECORD,
  }),
  toString: () => `Drawn{${ratio}}`,
});

/** A span below one of ours follows its decision. */
const SAMPLERS: Record<SamplerName, (ratio: number, random: () => number) => Sampler> = {
  always_on: () => new AlwaysOnSampler(),
  always_off: () => new AlwaysOffSampler(),
  traceidratio(ratio, random) {
    const remote = drawn(ratio, random);
    return new ParentBasedSampler({
      root: new TraceIdRatioBasedSampler(ratio),
      remoteParentSampled: remote,
      remoteParentNotSampled: remote,
    });
  },
  parentbased_always_on: () => new ParentBasedSampler({ root: new AlwaysOnSampler() }),
  parentbased_always_off: () => new ParentBasedSampler({ root: new AlwaysOffSampler() }),
  parentbased_traceidratio: (ratio, random) =>
    new ParentBasedSampler({
      root: new TraceIdRatioBasedSampler(ratio),
      remoteParentSampled: drawn(ratio, random),
    }),
};

/**
 * Decides which traces are kept.
 * @param ratio the share, for those samplers that have one
 * @param random from 0 to 1, 1 excluded
 */
export const samplerOf = (name: SamplerName, ratio: number, random: () => number): Sampler =>
  SAMPLERS[name](ratio, random);
