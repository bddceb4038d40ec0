import { Registry } from 'prom-client';
import { nearNames } from '../../tools/near-names.ts';
import { fieldOf } from '../door/message.ts';
import { highestOf, isAscending, MOST_FURTHER_BUCKETS } from '../metrics/bounds.ts';
import { OPERATION_ATTRIBUTES } from '../metrics/operation-attributes.ts';
import type { CallLogOptions } from '../call-log.ts';
import { describeGiven } from './describe-given.ts';
import type { InstrumentOptions } from './instrumented-server.ts';
import type { MonitoringOptions } from './monitoring.ts';

/** The options that something takes, by name; typed as a whole, so that none is forgotten. */
type Names<Options> = Readonly<Record<keyof Options, true>>;

const OPTIONS: Names<MonitoringOptions> = {
  metrics: true,
  registry: true,
  logger: true,
  log: true,
  runtime: true,
  build: true,
  openTelemetryNames: true,
  operationAttributes: true,
  durationBuckets: true,
  resultSizeBuckets: true,
  maxTools: true,
  reuse: true,
};
const OPTIONS_OF_BUILD: Names<NonNullable<MonitoringOptions['build']>> = { version: true, revision: true };
const OPTIONS_OF_LOG: Names<CallLogOptions> = {
  successes: true,
  foldSeconds: true,
  arguments: true,
  results: true,
};
const OPTIONS_OF_INSTRUMENT: Names<InstrumentOptions> = { tools: true, transport: true };

/** @throws TypeError when there is an option that is none, in `log` and `build` too */
export function checkOptions({ log = {}, build = {}, ...options }: MonitoringOptions): void {
  checkNames('createMonitoring', options, OPTIONS);
  checkNames('log', log, OPTIONS_OF_LOG);
  checkNames('build', build, OPTIONS_OF_BUILD);
}

/** @throws TypeError when there is an option that is none */
export function checkInstrumentOptions(options: InstrumentOptions): void {
  checkNames('instrument', options, OPTIONS_OF_INSTRUMENT);
}

/** @throws TypeError when it is called as a handler is, and not for one */
export function checkCallOfExpressHandler(given: readonly unknown[]): void {
  if (given.length > 0)
    throw new TypeError(
      "expressHandler takes no arguments, because it returns the handler: write app.get('/metrics', monitoring.expressHandler())",
    );
}

/** @throws TypeError when it is no text, as when `metrics` is called as a handler is */
export function checkAccept(accept: unknown): void {
  if (accept !== undefined && typeof accept !== 'string')
    throw new TypeError(
      `metrics takes the text of an Accept header, not ${describeGiven(accept)}: the handler of a route is monitoring.expressHandler()`,
    );
}

function checkNames(of: string, given: object, known: object): void {
  const names = Object.keys(known);
  const wrong = Object.keys(given).find((name) => !names.includes(name));
  if (wrong === undefined) return;
  const near = nearNames(wrong, names).join(', ');
  const meant = near === '' ? '; it' : `; did you mean ${near}? It`;
  throw new TypeError(`${of} has no option ${wrong}${meant} takes ${names.join(', ')}`);
}

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
