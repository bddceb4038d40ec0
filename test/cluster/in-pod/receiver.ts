import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import process from 'node:process';

// Takes what Alertmanager sends, and prints a line for each alert of it: `{path, status, labels}`.

/** An alert of a notification. */
export interface Notified {
  /** Where it was sent to: `/pages` or `/tickets`. */
  readonly path: string;
  readonly status: 'firing' | 'resolved';
  readonly labels: Readonly<Record<string, string>>;
}

createServer((request, response) => {
  void text(request).then((body) => {
    const { alerts } = JSON.parse(body) as { readonly alerts: readonly Omit<Notified, 'path'>[] };
    for (const { status, labels } of alerts) {
      process.stdout.write(`${JSON.stringify({ path: request.url, status, labels })}\n`);
    }
    response.end();
  });
}).listen(8080);
