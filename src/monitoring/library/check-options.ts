import { Registry } from 'prom-client';
import { fieldOf } from '../door/message.ts';
import { highestOf, isAscending, MOST_FURTHER_BUCKETS } from '../metrics/bounds.ts';
import { OPERATION_ATTRIBUTES } from '../metrics/operation-attributes.ts';
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

/** @throws TypeError when operations are to be broken down by something that they cannot be */
export function checkOperationAttributes(given: unknown): void {
  const known: readonly unknown[] = OPERATION_ATTRIBUTES;
  const unknown = Array.isArray(given) ? given.filter((one) => !known.includes(one)) : [given];
  if (unknown.length === 0) return;
  const found = typeof unknown[0] === 'string' ? JSON.stringify(unknown[0]) : describeGiven(unknown[0]);
  throw new TypeError(`operationAttributes takes a list of ${OPERATION_ATTRIBUTES.join(', ')}, not ${found}`);
}

/**
 * Checks bounds of buckets beyond those that are always there.
 * @throws TypeError when they cannot be that
 */
export function checkBuckets(option: string, given: unknown, always: readonly number[]): void {
  const bounds: readonly unknown[] = Array.isArray(given) ? given : [NaN];
  const areNumbers = bounds.every((bound) => Number.isFinite(bound));
  const all = [highestOf(always), ...(bounds as readonly number[])];
  if (areNumbers && bounds.length <= MOST_FURTHER_BUCKETS && isAscending(all)) return;
  throw new TypeError(
    `${option} takes a list of at most ${MOST_FURTHER_BUCKETS} numbers above ${highestOf(always)} in ascending order, not ${Array.isArray(given) ? `[${given.join(', ')}]` : describeGiven(given)}`,
  );
}
