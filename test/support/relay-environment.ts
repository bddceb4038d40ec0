import { randomBytes } from 'node:crypto';
import { Seal } from '../../src/mcp/seal.ts';
import { Door } from '../../src/monitoring/door/door.ts';
import type { Outcome, ToolCall } from '../../src/tools/call.ts';
import type { RelayEnvironment } from '../../src/upstream/relay/relay.ts';

/**
 * What surrounds a relay without a server.
 * @param ended told what each call ended in
 */
export function relayEnvironment(ended: (outcome: Outcome) => void = () => undefined): RelayEnvironment {
  const now = () => performance.now() / 1000;
  const recorder = { request: () => undefined, operation: () => undefined };
  return {
    door: new Door<ToolCall>({ recorder, tracing: undefined, now, onError: () => undefined }),
    tracing: undefined,
    executor: {
      observe:
        () =>
        ({ outcome }) => {
          ended(outcome);
        },
    },
    now,
    seal: new Seal([randomBytes(32)], 'test', randomBytes),
    maxBytes: 1024,
    inputWaitSeconds: 1,
    keepAliveSeconds: 1,
    audit: undefined,
    sessionNotFound: () => undefined,
  };
}
