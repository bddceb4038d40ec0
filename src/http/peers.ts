import { Router } from 'express';
import { readJson } from './json-body.ts';
import { sendProblem, wrongMethod } from './problem.ts';

export interface PeerOptions {
  readonly path: string;
  /** Takes what another replica has sealed, and says how that is answered. */
  readonly receive: (sealed: unknown) => { readonly status: number; readonly detail: string };
  /** Largest body of a client, which may be in it. */
  readonly bodyBytes: number;
}

/** Where the other replicas pass on what clients sent to them. Who has no key gets nothing done. */
export function peerRoutes({ path, receive, bodyBytes }: PeerOptions): Router {
  const router = Router();
  router.post(path, async (request, response) => {
    // Sealed, a body is a third longer, and some.
    const read = await readJson(request, 2 * bodyBytes + 4096);
    if (!read.ok) {
      sendProblem(request, response, read.problem);
      return;
    }
    const { status, detail } = receive(read.value);
    if (status === 200) response.json({ status: detail });
    else sendProblem(request, response, { status, detail });
  });
  router.all(path, wrongMethod('POST'));
  return router;
}
