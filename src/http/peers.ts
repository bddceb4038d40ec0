import { Router } from 'express';
import { readJson } from './json-body.ts';
import { sendProblem, wrongMethod } from './problem.ts';

export interface PeerOptions {
  readonly path: string;
  /** Takes what another replica has sealed, and returns the answer; `undefined` where that has another key. */
  readonly receive: (sealed: unknown) => object | undefined;
  /** Largest body of a client, which may be in it. */
  readonly bodyBytes: number;
}

const OTHER_KEY = 'No key of this replica encrypted it: all replicas need the same sessions.stateKeyFile';

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
    const answer = receive(read.value);
    if (answer) response.json(answer);
    else sendProblem(request, response, { status: 403, detail: OTHER_KEY });
  });
  router.all(path, wrongMethod('POST'));
  return router;
}
