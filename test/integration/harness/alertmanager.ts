import { Wait, type StartedTestContainer } from 'testcontainers';
import { z } from 'zod';
import { ALERTMANAGER_IMAGE } from '../images.ts';
import { TestContainer } from './container.ts';

const PORT = 9093;

const labels = z.record(z.string(), z.string());
const alert = z.object({
  labels,
  annotations: labels,
  status: z.object({ state: z.enum(['unprocessed', 'active', 'suppressed']) }),
  receivers: z.array(z.object({ name: z.string() })),
});

/** An alert as Alertmanager has it. */
export type ReceivedAlert = z.infer<typeof alert>;

/** An Alertmanager in a container. */
export class Alertmanager {
  readonly url: string;
  /** `host:port`, as containers see it. */
  readonly target: string;
  readonly #container: StartedTestContainer;

  private constructor(container: StartedTestContainer) {
    this.url = `http://${container.getHost()}:${container.getMappedPort(PORT)}`;
    this.target = `${container.getIpAddress('bridge')}:${PORT}`;
    this.#container = container;
  }

  /** Starts it with a configuration, as YAML, and waits until it is ready. */
  static async start(configuration: string): Promise<Alertmanager> {
    const container = new TestContainer(ALERTMANAGER_IMAGE)
      .withCommand([
        '--config.file=/etc/alertmanager/alertmanager.yml',
        '--storage.path=/alertmanager',
        // Alone: otherwise it would first look for peers.
        '--cluster.listen-address=',
      ])
      .withCopyContentToContainer([{ content: configuration, target: '/etc/alertmanager/alertmanager.yml' }])
      // In memory, and owned by the user it runs as.
      .withTmpFs({ '/alertmanager': 'rw,uid=65534' })
      .withExposedPorts(PORT)
      .withWaitStrategy(Wait.forHttp('/-/ready', PORT, { abortOnContainerExit: true }));
    return new Alertmanager(await container.start());
  }

  /** The alerts it has, silenced and inhibited ones included. */
  async alerts(): Promise<ReceivedAlert[]> {
    const response = await fetch(`${this.url}/api/v2/alerts`);
    return z.array(alert).parse(await response.json());
  }

  /** Lets alerts fire as if a Prometheus had sent them, given by their labels. */
  async fire(alerts: readonly Readonly<Record<string, string>>[]): Promise<void> {
    const response = await fetch(`${this.url}/api/v2/alerts`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(alerts.map((labels) => ({ labels }))),
    });
    if (!response.ok) throw new Error(`Alertmanager refused alerts: ${await response.text()}`);
  }

  async stop(): Promise<void> {
    await this.#container.stop();
  }
}
