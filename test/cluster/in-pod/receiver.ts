import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import process from 'node:process';

// Takes what Alertmanager sends, and prints a line for each alert of it: `{path, sender, status, labels}`.

/** An alert of a notification. */
export interface Notified {
  /** Where it was sent to: `/pages` or `/tickets`. */
  readonly path: string;
  /** The address that Alertmanager calls itself by. */
  readonly sender: string;
  readonly status: 'firing' | 'resolved';
  readonly labels: Readonly<Record<string, string>>;
}

createServer((request, response) => {
  void text(request).then((body) => {
    const { externalURL: sender, alerts } = JSON.parse(body) as {
      readonly externalURL: string;
      readonly alerts: readonly Pick<Notified, 'status' | 'labels'>[];
    };
    for (const { status, labels } of alerts) {
      const notified: Notified = { path: request.url ?? '', sender, status, labels };
      process.stdout.write(`${JSON.stringify(notified)}\n`);
    }
    response.end();
  });
}).listen(8080);
