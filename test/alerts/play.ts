import {
  annotations,
  BYSTANDERS,
  endOf,
  type Firing,
  type Scenario,
  type Service,
  type Stage,
} from './scenario.ts';
import { notation, renamed, type Series, type Time } from './series.ts';
import { matchers, simulate, type Fired, type Labels, type Simulation } from './simulation.ts';

/** A scenario, and to whom it happens. */
interface Staged {
  readonly scenario: Scenario;
  readonly services: readonly Service[];
  readonly isCrowded: boolean;
}

/** Scenarios that are played at the same time, with what they have in common. */
interface Group extends Pick<Simulation, 'ruleTexts' | 'scrapeSeconds' | 'evaluateSeconds'> {
  readonly members: Staged[];
}

/** Two processes play: not all scenarios are to be in one group. */
const MOST_AT_ONCE = 40;

/**
 * Plays the scenarios, and returns what is wrong with each, by name. Those with the same rules and intervals are played at the
 * same time, each to services of its own: what an evaluation costs depends little on how many series there are.
 */
export async function play(
  scenarios: readonly Scenario[],
  stage: Stage,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const groups = together(scenarios, stage);
  const halves = [0, 1].map((half) => groups.filter((_, index) => index % 2 === half));
  const complaints = await Promise.all(halves.filter(({ length }) => length > 0).map(playInTurn));
  return new Map(complaints.flat());
}

/** Puts scenarios together that can be played at the same time, and end at about the same; the longest first. */
function together(
  scenarios: readonly Scenario[],
  { servicesOf, crowded = () => false, rulesFor }: Stage,
): readonly Group[] {
  const groups: Group[] = [];
  const order = [...scenarios.entries()].sort(([, one], [, other]) => endOf(other) - endOf(one));
  for (const [index, scenario] of order) {
    const { scrapeSeconds = 30, evaluateSeconds = 60 } = scenario;
    const ruleTexts = rulesFor(scenario);
    const next = { scenario, services: servicesOf(scenario, index), isCrowded: crowded(scenario) };
    const group = groups.find(
      (some) =>
        some.members.length < MOST_AT_ONCE &&
        some.scrapeSeconds === scrapeSeconds &&
        some.evaluateSeconds === evaluateSeconds &&
        some.ruleTexts.join('\n') === ruleTexts.join('\n') &&
        some.members.every((member) => endOf(member.scenario) < 2 * endOf(scenario) && !meet(member, next)),
    );
    if (group) group.members.push(next);
    else groups.push({ ruleTexts, scrapeSeconds, evaluateSeconds, members: [next] });
  }
  return groups;
}

/** Whether both have a service that Prometheus could not tell from one of the other. */
function meet(one: Staged, other: Staged): boolean {
  const names = one.services.map(({ labels }) => matchers(labels));
  return other.services.some(({ labels }) => names.includes(matchers(labels)));
}

/** Plays one group after the other, in one process. */
async function playInTurn(
  groups: readonly Group[],
): Promise<readonly (readonly [name: string, complaints: readonly string[]])[]> {
  const played = await simulate(groups.map(simulationOf));
  return groups.flatMap(({ members }, index) =>
    members.map((member) => {
      const others = members.filter((each) => each !== member).flatMap(({ services }) => services);
      const complaints = Object.entries(member.scenario.fires).flatMap(([time, expected]) => {
        const fired = played[index]?.(time) ?? [];
        const itsOwn = fired.filter(({ labels }) => !others.some((service) => isOf(service, labels)));
        return differences(member, expected, itsOwn).map((text) => `${time}: ${text}`);
      });
      return [member.scenario.name, complaints] as const;
    }),
  );
}

/** What tells services apart. */
const IDENTITY = ['cluster', 'job', 'namespace', 'region'];

const isOf = (service: Service, labels: Labels): boolean =>
  IDENTITY.every((name) => service.labels[name] === labels[name]);

function simulationOf({ members, ...common }: Group): Simulation {
  const end = Math.max(...members.map(({ scenario }) => endOf(scenario)));
  const stored = (
    series: readonly Series[],
    labels: Labels,
    until: number,
    prometheus3: Time | undefined,
  ) => {
    const { scrapeSeconds } = common;
    const grid = { scrapeSeconds, samples: Math.floor(until / scrapeSeconds) + 1 };
    return series
      .flatMap((some) => storedBy3From(prometheus3, some))
      .map(({ name, labels: own, values }) => ({
        series: `${name}${matchers({ ...labels, ...own })}`,
        values: notation(values(grid)),
      }));
  };
  const bystanders = members.some(({ isCrowded }) => isCrowded) ? BYSTANDERS : [];
  return {
    ...common,
    series: [
      ...members.flatMap(({ scenario, services }) =>
        services.flatMap(({ labels, prometheus }) => {
          const upgraded = scenario.upgraded ?? (prometheus === 3 ? '0s' : undefined);
          return stored(scenario.series, labels, endOf(scenario), upgraded);
        }),
      ),
      ...bystanders.flatMap(({ labels, series }) => stored(series, labels, end, undefined)),
    ],
    times: [...new Set(members.flatMap(({ scenario }) => Object.keys(scenario.fires)))],
  };
}

/** Prometheus 3 stores the bucket that Prometheus 2 stored as `le="5"` as `le="5.0"`. */
function storedBy3From(time: Time | undefined, series: Series): readonly Series[] {
  const { le } = series.labels;
  if (time === undefined || le === undefined || !/^\d+$/.test(le)) return [series];
  const labels = { ...series.labels, le: `${le}.0` };
  return time === '0s' ? [{ ...series, labels }] : renamed(series, time, labels);
}

/** What does not fire, what does and should not, and what is said otherwise. */
function differences(
  { services }: Staged,
  expected: readonly Firing[],
  fired: readonly Fired[],
): readonly string[] {
  const left = new Map(fired.map((each) => [sorted(each.labels), each]));
  const complaints = expected.flatMap((firing) =>
    affected(firing, services).flatMap((service) => {
      const { alert, severity, labels, text } = firing;
      const name = sorted({ alertname: alert, severity, ...service.labels, ...labels });
      const found = left.get(name);
      left.delete(name);
      if (!found) return [`does not fire: ${name}`];
      const wanted: Labels = text ? annotations(firing, text, service) : {};
      return Object.entries(wanted)
        .filter(([key, value]) => found.annotations[key] !== value)
        .map(
          ([key, value]) =>
            `${key} of ${name}\n  must be ${value}\n  and is  ${found.annotations[key] ?? ''}`,
        );
    }),
  );
  return [...complaints, ...[...left.keys()].map((name) => `fires: ${name}`)];
}

const sorted = (labels: Labels): string =>
  matchers(Object.fromEntries(Object.entries(labels).sort(([one], [other]) => (one < other ? -1 : 1))));

const affected = ({ labels: { job } }: Firing, services: readonly Service[]): readonly Service[] =>
  services.filter(({ labels }) => job === undefined || labels['job'] === job);
