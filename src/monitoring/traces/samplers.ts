import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  type Sampler,
} from '@opentelemetry/sdk-trace';
import type { SamplerName } from './variables.ts';

const SAMPLERS: Record<SamplerName, (ratio: number) => Sampler> = {
  always_on: () => new AlwaysOnSampler(),
  always_off: () => new AlwaysOffSampler(),
  traceidratio: (ratio) => new TraceIdRatioBasedSampler(ratio),
  parentbased_always_on: () => new ParentBasedSampler({ root: new AlwaysOnSampler() }),
  parentbased_always_off: () => new ParentBasedSampler({ root: new AlwaysOffSampler() }),
  // OpenTelemetry keeps whatever a parent has sampled. Ours are clients, which would set the share aside for all of theirs.
  parentbased_traceidratio(ratio) {
    const root = new TraceIdRatioBasedSampler(ratio);
    return new ParentBasedSampler({ root, remoteParentSampled: root });
  },
};

/** Decides which traces are kept. @param ratio the share, for those samplers that have one */
export const samplerOf = (name: SamplerName, ratio: number): Sampler => SAMPLERS[name](ratio);
