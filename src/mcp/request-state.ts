import { createRequestStateCodec, ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';
import type { RequestStateCodec, ServerContext } from '@modelcontextprotocol/server';

/** How long a client may take to answer an input request, in seconds. */
const TTL_SECONDS = 3600;

interface Sealed {
  readonly tool: string;
  readonly state: unknown;
}

/**
 * Seals what a tool keeps across input requests, so that the client that carries it can read it but not change
 * it, use it for another tool, or use another caller's (MCP 2026-07-28, "Request State Integrity").
 */
export class RequestState {
  readonly codec: RequestStateCodec<Sealed>;

  /** @param key at least 32 bytes; replicas that serve the same clients need the same key */
  constructor(key: Uint8Array) {
    this.codec = createRequestStateCodec<Sealed>({
      key,
      ttlSeconds: TTL_SECONDS,
      bind: (context) => context.http?.authInfo?.clientId ?? '',
    });
  }

  seal(tool: string, state: unknown, context: ServerContext): Promise<string> {
    return this.codec.mint({ tool, state: state ?? null }, context);
  }

  /** The state a request carries, `undefined` when it carries none. The SDK has verified its seal. */
  open(tool: string, context: ServerContext): unknown {
    const sealed = context.mcpReq.requestState<Sealed>();
    if (sealed === undefined) return undefined;
    if (sealed.tool === tool) return sealed.state ?? undefined;
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'The requestState belongs to another tool');
  }
}
