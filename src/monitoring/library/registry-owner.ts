import type { MetricObject, Registry } from 'prom-client';
import type { CustomMetrics } from './custom-metrics.ts';
import type { Monitoring } from './monitoring.ts';

/** The monitoring whose metrics are in a registry. */
interface Owner {
  readonly monitoring: Monitoring;
  readonly declared: CustomMetrics;
  /** One of its metrics: it is no owner any more when a registry was cleared. */
  readonly metric: unknown;
}

/** A registered symbol, so that a module's own copy of this file finds the same. */
const OWNER: unique symbol = Symbol.for('nexus-mcp/monitoring');

/** A metric that every monitoring has. */
const SIGN = 'mcp_tool_calls_total';

type Owned = Registry & { [OWNER]?: Owner | undefined };

export function ownerOf(registry: Registry): Owner | undefined {
  const owner = (registry as Owned)[OWNER];
  return owner && owner.metric === registry.getSingleMetric(SIGN) ? owner : undefined;
}

/** Says whose metrics are in a registry now. */
export function own(registry: Registry, monitoring: Monitoring, declared: CustomMetrics): void {
  const metric: unknown = registry.getSingleMetric(SIGN);
  Object.defineProperty(registry, OWNER, {
    value: { monitoring, declared, metric } satisfies Owner,
    configurable: true,
  });
}

/**
 * The monitoring that has a registry, to go on with.
 * @throws Error with each metric that is declared otherwise than it was then
 */
export function reused({ monitoring, declared: before }: Owner, declared: CustomMetrics): Monitoring {
  const other = Object.keys(declared).filter(
    (name) => JSON.stringify(before[name]) !== JSON.stringify(declared[name]),
  );
  if (other.length === 0) return monitoring;
  const problem =
    'the monitoring to be reused declares it otherwise; call its dispose() before you make the new one';
  throw new Error(other.map((name) => `metric ${name}: ${problem}`).join('\n'));
}

/** @throws Error when metrics of ours cannot be put into a registry */
export function checkRoom(registry: Registry, names: readonly string[]): void {
  if (ownerOf(registry))
    throw new Error(
      'The registry already has a monitoring: pass reuse: true to share it, or call its dispose() first',
    );
  const taken = names.filter((name) => registry.getSingleMetric(name) !== undefined);
  if (taken.length > 0)
    throw new Error(`The registry already has metrics with these names, from elsewhere: ${taken.join(', ')}`);
}

/** Takes metrics out of a registry, if they are still in it. */
export function takeOut(registry: Registry, metrics: readonly MetricObject[]): void {
  for (const metric of metrics)
    if (registry.getSingleMetric(metric.name) === (metric as unknown))
      registry.removeSingleMetric(metric.name);
}
