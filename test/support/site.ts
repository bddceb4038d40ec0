import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** A web server on loopback that lasts as long as the test. */
export interface Site {
  readonly server: Server;
  readonly port: number;
  readonly url: string;
  /** The paths asked for so far. */
  readonly visits: string[];
}

/** Starts a site that answers with `listener`. */
export async function startSite(listener: RequestListener): Promise<Site> {
  const visits: string[] = [];
  const server = createServer((request, response) => {
    visits.push(request.url ?? '');
    listener(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return { server, port, url: `http://127.0.0.1:${port}`, visits };
}
