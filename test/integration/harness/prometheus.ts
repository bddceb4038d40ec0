import { Wait, type StartedTestContainer } from 'testcontainers';
import { parse, stringify } from 'yaml';
import { PROMETHEUS_IMAGE } from '../images.ts';
import { TestContainer } from './container.ts';
import { PrometheusApi } from './prometheus-api.ts';
import { waitUntil } from '../../support/wait.ts';

const PORT = 9090;

export interface PrometheusOptions {
  /** The list of scrape configurations, as YAML. */
  readonly scrapeConfigs?: string;
  /** Rule files, by name. */
  readonly ruleFiles?: Readonly<Record<string, string>>;
  /** Alertmanagers, as `host:port` seen from containers. */
  readonly alertmanagers?: readonly string[];
  /** Time between scrapes, and between evaluations of rules. */
  readonly intervalSeconds?: number;
  /** What to switch on besides the defaults, as --enable-feature names it. */
  readonly features?: readonly string[];
}

/** A Prometheus in a container. */
export class Prometheus extends PrometheusApi {
  /** Its log so far. */
  readonly log: readonly string[];
  readonly #container: StartedTestContainer;
  readonly #intervalSeconds: number;

  private constructor(container: StartedTestContainer, log: readonly string[], intervalSeconds: number) {
    super(`http://${container.getHost()}:${container.getMappedPort(PORT)}`);
    this.log = log;
    this.#container = container;
    this.#intervalSeconds = intervalSeconds;
  }

  /** Starts it, and waits until it is ready. */
  static async start({ intervalSeconds = 1, ...options }: PrometheusOptions): Promise<Prometheus> {
    const { ruleFiles = {}, features = [] } = options;
    const container = new TestContainer(PROMETHEUS_IMAGE)
      .withCommand([
        '--config.file=/etc/prometheus/prometheus.yml',
        '--storage.tsdb.path=/prometheus',
        '--log.level=debug',
        ...(features.length > 0 ? [`--enable-feature=${features.join(',')}`] : []),
      ])
      .withCopyContentToContainer([
        {
          content: configurationOf({ intervalSeconds, ...options }),
          target: '/etc/prometheus/prometheus.yml',
        },
        ...Object.entries(ruleFiles).map(([name, content]) => ({
          content,
          target: `/etc/prometheus/rules/${name}`,
        })),
      ])
      // In memory, and owned by the user it runs as.
      .withTmpFs({ '/prometheus': 'rw,uid=65534' })
      .withExposedPorts(PORT)
      .withWaitStrategy(Wait.forHttp('/-/ready', PORT, { abortOnContainerExit: true }));
    return new Prometheus(await container.start(), container.lines, intervalSeconds);
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
  intervalSeconds,
}: PrometheusOptions & { readonly intervalSeconds: number }): string {
  const interval = `${Math.round(intervalSeconds * 1000)}ms`;
  return stringify({
    global: { scrape_interval: interval, scrape_timeout: interval, evaluation_interval: interval },
    rule_files: ['/etc/prometheus/rules/*'],
    alerting: { alertmanagers: [{ static_configs: [{ targets: alertmanagers }] }] },
    scrape_configs: parse(scrapeConfigs) as unknown,
  });
}
