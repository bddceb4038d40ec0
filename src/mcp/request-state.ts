import { createHash } from 'node:crypto';
import { createRequestStateCodec, ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';
import type { RequestStateCodec, ServerContext } from '@modelcontextprotocol/server';
import { fieldOf } from '../monitoring/door/message.ts';
import type { CallContext } from './call-context.ts';
import type { StateKeys } from './seal.ts';
import { UsedIds } from './used-ids.ts';

/** What a state belongs to. */
interface Call {
  readonly name: string;
  readonly arguments?: Readonly<Record<string, unknown>> | undefined;
}

interface Sealed {
  readonly id: string;
  readonly tool: string;
  /** A digest: they may be large. */
  readonly arguments: string;
  readonly state: unknown;
}

/** The state that a call brings with it. */
export interface Opened {
  readonly state: unknown;
  /** Lets the call be made again with it: nothing was done. */
  readonly giveBack: () => void;
}

interface Environment {
  readonly newRequestId: () => string;
  /** Monotonic, in seconds. */
  readonly now: () => number;
}

/**
 * Seals what a tool keeps across input requests, so that the client that carries it can read it but not change it, use it
 * for another call than the one that it was given for, use it twice, or use another caller's (MCP 2026-07-28, "Request State
 * Integrity"). Of what other replicas have seen a process knows nothing: there it could be used again while it lasts.
 */
export class RequestState {
  /** One a key: the first mints. */
  readonly #codecs: readonly [RequestStateCodec<Sealed>, ...RequestStateCodec<Sealed>[]];
  readonly #newId: () => string;
  readonly #used: UsedIds;

  /**
   * @param ttlSeconds how long a client may take to answer an input request
   */
  constructor([first, ...others]: StateKeys, ttlSeconds: number, { newRequestId, now }: Environment) {
    const codecOf = (key: Uint8Array): RequestStateCodec<Sealed> =>
      createRequestStateCodec<Sealed>({
        key,
        ttlSeconds,
        bind: (context) => context.http?.authInfo?.clientId ?? '',
      });
    this.#codecs = [codecOf(first), ...others.map(codecOf)];
    this.#newId = newRequestId;
    // The codec counts whole seconds.
    this.#used = new UsedIds(ttlSeconds + 1, now);
  }

  seal(call: Call, state: unknown, context: Pick<CallContext, 'http'>): Promise<string> {
    const sealed = {
      id: this.#newId(),
      tool: call.name,
      arguments: digestOf(call),
      state: state ?? null,
    };
    // Of the context only what binds it to its caller is read.
    return this.#codecs[0].mint(sealed, context as ServerContext);
  }

  /** What was sealed; rejects with what is wrong with it. */
  async verify(state: string, context: ServerContext): Promise<Sealed> {
    const [first, ...others] = this.#codecs;
    return others.reduce(
      (tried, codec) =>
        tried.catch((error: unknown) => {
          // Sealed with another key; of its own ones each says more.
          if (error instanceof Error && error.message === 'mac') return codec.verify(state, context);
          throw error;
        }),
      first.verify(state, context),
    );
  }

  /** The state a call carries, and `undefined` when it carries none. The SDK has verified its seal. */
  open(call: Call, context: CallContext): Opened {
    const sealed = context.mcpReq.requestState<Sealed>();
    if (sealed === undefined) return { state: undefined, giveBack: () => undefined };
    if (sealed.tool !== call.name) throw refused('belongs to another tool');
    // Before its arguments are read: a state that is tried is used, so that it costs a client a call to have them read.
    if (!this.#used.use(sealed.id)) throw refused('has been used; make the call anew, without it');
    if (sealed.arguments !== digestOf(call))
      throw refused(
        'belongs to a call with other arguments, and is used up now; make the call anew, without it',
      );
    return {
      state: sealed.state ?? undefined,
      giveBack: () => {
        this.#used.giveBack(sealed.id);
      },
    };
  }
}

const refused = (why: string): ProtocolError =>
  new ProtocolError(ProtocolErrorCode.InvalidParams, `The requestState ${why}`, { reason: REFUSED_STATE });

/** What the SDK says in the data of its errors, too, when a state is none. */
const REFUSED_STATE = 'invalid_request_state';

/** Why a state was refused that a call brought, if that is what an error says; the words have nothing of the client's. */
export function whyStateRefused(error: unknown): string | undefined {
  const message = fieldOf(error, 'message');
  const isOfState = fieldOf(fieldOf(error, 'data'), 'reason') === REFUSED_STATE;
  return isOfState && typeof message === 'string' ? message : undefined;
}

/** The same for the same arguments, in whatever order their fields are written. */
const digestOf = ({ arguments: args = {} }: Call): string =>
  createHash('sha256')
    .update(JSON.stringify(args, (_key, part: unknown) => inOrder(part)))
    .digest('base64url');

function inOrder(part: unknown): unknown {
  if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
  return Object.fromEntries(Object.entries(part).sort(([one], [other]) => (one < other ? -1 : 1)));
}
