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
    .describe(parameters[name].description ?? 'Threshold');

const enabled = flag.default(true).describe('Whether to create the alert').meta({ id: 'alertEnabled' });
const severity = z
  .enum(['', ...SEVERITIES])
  .default('')
  .describe('Severity; empty for the default of the alert')
  .meta({ id: 'alertSeverity' });
const times = {
  for: duration
    .default('')
    .describe('How long the condition must hold; empty for the default of the alert')
    .meta({ id: 'alertFor' }),
  keepFiringFor: duration
    .default('')
    .describe('How long it keeps firing after the condition has ended; empty for the default of the alert')
    .meta({ id: 'alertKeepFiringFor' }),
};
const texts = {
  labels: textMap.default({}).describe('Further labels').meta({ id: 'alertLabels' }),
  annotations: textMap.default({}).describe('Further annotations').meta({ id: 'alertAnnotations' }),
};
/** Those that compare with nothing differ in no more than what they say. */
const ofOneSeverity = z.strictObject({ enabled, severity, ...times, ...texts }).meta({ id: 'alert' });
const ofTwoSeverities = z.strictObject({ enabled, ...times, ...texts }).meta({ id: 'alertOfTwoSeverities' });

function entry(name: string) {
  const variants = alerts.filter((alert) => alert.name === name);
  return shapeOf(variants)
    .prefault({})
    .describe(`${variants[0]?.summary ?? ''} (${variants.map((one) => one.severity).join(', ')})`);
}

function shapeOf(variants: typeof alerts) {
  const threshold = variants[0]?.threshold;
  if (!threshold) return variants.length === 1 ? ofOneSeverity : ofTwoSeverities;
  return z.strictObject({
    enabled,
    ...(variants.length === 1 && { severity }),
    ...times,
    threshold: thresholdOf(threshold),
    ...texts,
  });
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
      'Single alerts, by name: enabled, severity, for, keepFiringFor (empty for the default of the alert), threshold, and further labels and annotations',
    ),
};
