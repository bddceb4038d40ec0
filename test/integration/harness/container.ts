import { GenericContainer, type StartedTestContainer } from 'testcontainers';
import { HOST_NAME } from './host.ts';
import { runLabel } from './run.ts';

/** A container of this run that reaches the machine as `host.docker.internal`, and keeps what it says. */
export class TestContainer extends GenericContainer {
  /** The lines so far. */
  readonly lines: string[] = [];

  constructor(image: string) {
    super(image);
    this.withLabels(runLabel())
      .withExtraHosts([{ host: HOST_NAME, ipAddress: 'host-gateway' }])
      .withLogConsumer((stream) => {
        stream.on('data', (line: unknown) => this.lines.push(String(line).trimEnd()));
      })
      .withStartupTimeout(30_000);
  }

  /** Starts it, and waits until it is ready; rejects with what it said when it does not get there. */
  override async start(): Promise<StartedTestContainer> {
    try {
      return await super.start();
    } catch (error) {
      throw new Error([`${this.imageName.string} did not start:`, ...this.lines.slice(-20)].join('\n'), {
        cause: error,
      });
    }
  }

  /** Makes the root file system read-only. */
  withReadOnlyRoot(): this {
    this.hostConfig.ReadonlyRootfs = true;
    return this;
  }
}
