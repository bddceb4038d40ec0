import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { z } from 'zod';
import { HOST_NAME, LISTEN_ADDRESS } from './host.ts';

const labels = z.record(z.string(), z.string());
const status = z.enum(['firing', 'resolved']);
const notification = z.object({
  receiver: z.string(),
  status,
  groupLabels: labels,
  commonLabels: labels,
  commonAnnotations: labels,
  alerts: z.array(z.object({ status, labels, annotations: labels })),
});

/** What Alertmanager sends to a webhook. */
export type Notification = z.infer<typeof notification>;

/** A receiver of Alertmanager's notifications on this machine. */
export interface Webhook {
  /** Where containers send to. */
  readonly url: string;
  /** What came so far. */
  readonly notifications: readonly Notification[];
  readonly stop: () => Promise<void>;
}

export async function startWebhook(): Promise<Webhook> {
  const notifications: Notification[] = [];
  const server = createServer((request, response) => {
    void json(request).then((body) => {
      notifications.push(notification.parse(body));
      response.end();
    });
  });
  server.listen(0, LISTEN_ADDRESS);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${HOST_NAME}:${port}/`,
    notifications,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
