import { z } from 'zod';
import { parametersSchema, SEVERITIES, type ThresholdName } from '../../alerts/source/parameters.ts';
import { alertSet } from '../../alerts/source/rules.ts';
import { duration, flag, textMap } from './fragments.ts';

/** Changes to single alerts and tools, with the bounds that the rules have. */

const parameters = parametersSchema.shape;
const defaults = parametersSchema.parse({});
const alerts = alertSet(defaults);

const thresholdOf = (name: ThresholdName) =>
  parameters[name]
    .unwrap()
    .default(defaults[name])
    .describe(parameters[name].description ?? 'What it compares with');

function entry(name: string) {
  const variants = alerts.filter((alert) => alert.name === name);
  const threshold = variants[0]?.threshold;
  return z
    .strictObject({
      enabled: flag.default(true).describe('Whether there is one'),
      ...(variants.length === 1 && {
        severity: z
          .enum(['', ...SEVERITIES])
          .default('')
          .describe('Severity; empty for its own'),
      }),
      for: duration.default('').describe('Time it must hold; empty for its own'),
      keepFiringFor: duration.default('').describe('Time it fires on; empty for its own'),
      ...(threshold && { threshold: thresholdOf(threshold) }),
      labels: textMap.default({}).describe('Further labels'),
      annotations: textMap.default({}).describe('Further annotations'),
    })
    .prefault({})
    .describe(`${variants[0]?.summary ?? ''} (${variants.map(({ severity }) => severity).join(', ')})`);
}

const { errorRatio, latencySeconds } = parameters.tools.unwrap().valueType.shape;

export const alertValues = {
  alerts: z
    .strictObject({
      ...Object.fromEntries(alerts.map(({ name }) => [name, entry(name)])),
      tools: z
        .record(
          z.string().regex(/^[\w.-]{1,128}$/, 'must be the name of a tool'),
          z.strictObject({ errorRatio, latencySeconds }),
        )
        .default({})
        .describe('Thresholds of single tools: {tool: {errorRatio, latencySeconds}}'),
    })
    .prefault({})
    .describe(
      'Single alerts, by name: whether there is one, its severity, how long it must hold and goes on firing (empty for its own), what it compares with, and further labels and annotations',
    ),
};
