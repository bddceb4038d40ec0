import { Wait, type StartedTestContainer } from 'testcontainers';
import { parse, stringify } from 'yaml';
import { PROMETHEUS_IMAGE } from '../images.ts';
import { TestContainer } from './container.ts';
import { PrometheusApi } from './prometheus-api.ts';
import { waitUntil } from '../../support/wait.ts';

const PORT = 9090;
const CONFIGURATION = '/etc/prometheus/prometheus.yml';
const HISTORY = '/etc/prometheus/history.txt';

/**
 * Takes a history in before it starts. As rules may look at moments within it, it is marked as one that came late:
 * otherwise what they record there would be refused, being older than what is stored.
 */
const WITH_HISTORY = [
  `promtool tsdb create-blocks-from openmetrics --quiet --max-block-duration=1d ${HISTORY} /prometheus`,
  `sed -i 's/"compaction": *{/&"hints": ["from-out-of-order"],/' /prometheus/*/meta.json`,
  'exec /bin/prometheus "$@"',
].join(' && ');

export interface PrometheusOptions {
  /** The list of scrape configurations, as YAML. */
  readonly scrapeConfigs?: string;
  /** Rule files, by name. */
  readonly ruleFiles?: Readonly<Record<string, string>>;
  /** Alertmanagers, as `host:port` seen from containers. */
  readonly alertmanagers?: readonly string[];
  /** Time between scrapes, and between evaluations of rules. */
  readonly intervalSeconds?: number;
  /** What it has known from the start, in OpenMetrics with the times of all samples. */
  readonly history?: string;
  /** When rules look at what there is, if that is not now: a time in seconds since the epoch. */
  readonly moment?: number;
  /** What to switch on besides the defaults, as --enable-feature names it. */
  readonly features?: readonly string[];
}

/** A Prometheus in a container. */
export class Prometheus extends PrometheusApi {
  /** Its log so far. */
  readonly log: readonly string[];
  readonly #container: StartedTestContainer;
  readonly #intervalSeconds: number;
  readonly #options: PrometheusOptions;

  private constructor(container: TestContainer, started: StartedTestContainer, options: PrometheusOptions) {
    super(`http://${started.getHost()}:${started.getMappedPort(PORT)}`);
    this.log = container.lines;
    this.#container = started;
    this.#intervalSeconds = options.intervalSeconds ?? 1;
    this.#options = options;
  }

  /** Starts it, and waits until it is ready. */
  static async start(options: PrometheusOptions): Promise<Prometheus> {
    const { features = [], history } = options;
    const container = new TestContainer(PROMETHEUS_IMAGE)
      .withCommand([
        `--config.file=${CONFIGURATION}`,
        '--storage.tsdb.path=/prometheus',
        '--log.level=debug',
        '--web.enable-lifecycle',
        '--rules.alert.resend-delay=1s',
        ...(features.length > 0 ? [`--enable-feature=${features.join(',')}`] : []),
      ])
      .withCopyContentToContainer([
        { content: configurationOf(options), target: CONFIGURATION },
        ...(history === undefined ? [] : [{ content: history, target: HISTORY }]),
        ...rulesOf(options),
      ])
      // In memory, and owned by the user it runs as.
      .withTmpFs({ '/prometheus': 'rw,uid=65534' })
      .withExposedPorts(PORT)
      .withWaitStrategy(Wait.forHttp('/-/ready', PORT, { abortOnContainerExit: true }));
    if (history !== undefined) container.withEntrypoint(['sh', '-c', WITH_HISTORY, 'prometheus']);
    return new Prometheus(container, await container.start(), options);
  }

  /** Makes rules look at another moment, from which their time passes as it does here. */
  async lookAt(moment: number): Promise<void> {
    await this.#container.copyContentToContainer(rulesOf({ ...this.#options, moment }));
    const response = await fetch(`${this.url}/-/reload`, { method: 'POST' });
    if (!response.ok) throw new Error(`Prometheus refused its rules: ${await response.text()}`);
  }

  /** The lines of its log that warn, or say that a scrape failed. */
  complaints(): readonly string[] {
    return this.log.filter((line) => /level=(WARN|ERROR)|(Scrape|Append) failed/.test(line));
  }

  /**
   * Waits until all targets have been scraped, with success, after what happened up to now.
   * @returns the time of those scrapes; queries at it see them, whatever later scrapes come to
   */
  async catchUp(): Promise<number> {
    const now = Date.now() / 1000;
    const caughtUp = async (): Promise<number | false> => {
      const scrapes = (await this.query('timestamp(up) and up == 1')).map(({ value }) => value);
      const [first, last] = [Math.min(...scrapes), Math.max(...scrapes)];
      const all = scrapes.length > 0 && scrapes.length === (await this.targets()).length;
      // Close together, so that no scrape from before the last is still on its way.
      return all && first > now && last - first < this.#intervalSeconds && last;
    };
    try {
      return await waitUntil(caughtUp, { timeout: 30_000, interval: 100 });
    } catch (cause) {
      const targets = JSON.stringify(await this.targets(), null, 2);
      throw new Error(`Not all targets could be scraped: ${targets}`, { cause });
    }
  }

  async stop(): Promise<void> {
    await this.#container.stop();
  }
}

function configurationOf({
  scrapeConfigs = '[]',
  alertmanagers = [],
  intervalSeconds = 1,
}: PrometheusOptions): string {
  const interval = `${Math.round(intervalSeconds * 1000)}ms`;
  return stringify({
    global: { scrape_interval: interval, scrape_timeout: interval, evaluation_interval: interval },
    rule_files: ['/etc/prometheus/rules/*'],
    alerting: { alertmanagers: [{ static_configs: [{ targets: alertmanagers }] }] },
    scrape_configs: parse(scrapeConfigs) as unknown,
  });
}

interface RuleFile {
  readonly groups: readonly object[];
}

/** The rule files, which look at the moment. */
function rulesOf({ ruleFiles = {}, moment }: PrometheusOptions): { content: string; target: string }[] {
  const at = (text: string, seconds: number): string => {
    const query_offset = `${Math.round(Date.now() - seconds * 1000)}ms`;
    return stringify({
      groups: (parse(text) as RuleFile).groups.map((group) => ({ ...group, query_offset })),
    });
  };
  return Object.entries(ruleFiles).map(([name, text]) => ({
    content: moment === undefined ? text : at(text, moment),
    target: `/etc/prometheus/rules/${name}`,
  }));
}
