import type { CallerLinks, CallOwner } from './caller-links.ts';
import { Fault } from './fault.ts';
import { Link, type LinkOptions } from './link.ts';

const BAD_REQUEST = 400;

export interface SessionCallsOptions {
  readonly callers: CallerLinks;
  /** What sessions are opened with. */
  readonly link: LinkOptions;
  /** For those whose calls may ask. */
  readonly askingPool: LinkOptions['pool'];
  /** How long to open one may take. */
  readonly seconds: number;
  /** Told that a session may be lost: ours may be gone with it. */
  readonly maybeLost: () => void;
}

/** Makes a call in its caller's session. That a session is lost says that the call was not run: so it is made in a new one. */
export async function callInSession(
  { callers, link: options, askingPool, seconds, maybeLost }: SessionCallsOptions,
  owner: CallOwner,
  by: (link: Link) => Promise<unknown>,
  signal: AbortSignal,
): Promise<unknown> {
  const { canBeAsked } = owner;
  const open = (opening: AbortSignal): Promise<Link> =>
    Link.connect({ ...options, canBeAsked, ...(canBeAsked && { pool: askingPool }) }, seconds, {
      prior: { kind: 'legacy' },
      signal: opening,
    });
  const attempt = (): Promise<unknown> =>
    callers.use(owner, open, async (link) => {
      try {
        return await by(link);
      } catch (error) {
        // Many say "bad request" of a session that they do not know, and of others, too: so that one is not made again.
        if (error instanceof Fault && (error.kind === 'session_lost' || error.status === BAD_REQUEST)) {
          await callers.lost(owner.caller, link);
          maybeLost();
        }
        throw error;
      }
    });
  try {
    return await attempt();
  } catch (error) {
    const isLost = error instanceof Fault && error.kind === 'session_lost';
    if (!isLost || signal.aborted) throw error;
    return attempt();
  }
}
