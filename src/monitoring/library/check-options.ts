import { Registry } from 'prom-client';
import { fieldOf } from '../door/message.ts';
import { describeGiven } from './describe-given.ts';

/** The types say so, and JavaScript does not. */
const lacking = (given: unknown, methods: readonly string[]): readonly string[] =>
  methods.filter((method) => typeof fieldOf(given, method) !== 'function');

/**
 * Checks the registry that metrics are to be put into; it may be one of another copy of prom-client.
 * @throws TypeError when it is none, or writes OpenMetrics
 */
export function checkRegistry(registry: unknown): void {
  const methods = ['registerMetric', 'getSingleMetric', 'removeSingleMetric', 'getMetricsAsArray', 'metrics'];
  if (typeof registry !== 'object' || lacking(registry, methods).length > 0)
    throw new TypeError(
      `registry takes a Registry of prom-client, as new Registry() or its register, not ${describeGiven(registry)}`,
    );
  if (fieldOf(registry, 'contentType') !== Registry.PROMETHEUS_CONTENT_TYPE)
    throw new TypeError(
      'createMonitoring takes a registry with the default content type: pass new Registry(). Scrapers that ask for ' +
        'OpenMetrics get it all the same',
    );
}

/** @throws TypeError when a logger lacks what lines are written with */
export function checkLogger(logger: unknown): void {
  const methods = lacking(logger, ['debug', 'info', 'warn', 'error', 'isLevelEnabled']);
  if (methods.length === 0) return;
  throw new TypeError(
    'logger takes a pino logger, or an object with the methods debug, info, warn, error and isLevelEnabled (which may ' +
      `be () => true), not ${describeGiven(logger)} without ${methods.join(', ')}`,
  );
}
