import { flatCopy } from '../flat-copy.ts';
import { fieldOf, paramOf, type Message, type RpcRequest } from './message.ts';

/** What the client of a request said of itself. */
export interface Peer {
  readonly name?: string | undefined;
  readonly version?: string | undefined;
  /** The protocol revision it asked for or agreed on; any text. */
  readonly revision?: string | undefined;
  /** Its capabilities as they came, or nothing. */
  readonly capabilities?: unknown;
}

/** Clients may say any number of characters; as many as these are kept of a name, a version or a revision. */
const MAX_TEXT = 100;

/** The `_meta` keys in which requests say all of this (MCP 2026-07-28, "_meta"). */
export const META_KEYS = {
  revision: 'io.modelcontextprotocol/protocolVersion',
  client: 'io.modelcontextprotocol/clientInfo',
  capabilities: 'io.modelcontextprotocol/clientCapabilities',
} as const;

/** What a request itself says of its client: in 2026-07-28 every one, before it `initialize` alone. */
export function statedPeer(request: RpcRequest): Peer {
  if (request.method === 'initialize')
    return {
      ...named(paramOf(request, 'clientInfo')),
      revision: textOf(paramOf(request, 'protocolVersion')),
      capabilities: paramOf(request, 'capabilities'),
    };
  const meta = paramOf(request, '_meta');
  return {
    ...named(fieldOf(meta, META_KEYS.client)),
    revision: statedRevision(request),
    capabilities: fieldOf(meta, META_KEYS.capabilities),
  };
}

/** What a client says now, and for the rest what it has said before. */
export const completed = (stated: Peer, before: Peer): Peer => ({
  name: stated.name ?? before.name,
  version: stated.version ?? before.version,
  revision: stated.revision ?? before.revision,
  capabilities: stated.capabilities === undefined ? before.capabilities : stated.capabilities,
});

/** The revision that a request other than `initialize` names. */
export const statedRevision = (request: Message): string | undefined =>
  textOf(fieldOf(paramOf(request, '_meta'), META_KEYS.revision));

/** The revision in the answer to `initialize`. */
export const agreedRevision = ({ result }: Message): string | undefined =>
  textOf(fieldOf(result, 'protocolVersion'));

/** A client by what is known of its implementation, such as the SDK's `getClientVersion()`. */
export const named = (implementation: unknown): Pick<Peer, 'name' | 'version'> => ({
  name: textOf(fieldOf(implementation, 'name')),
  version: textOf(fieldOf(implementation, 'version')),
});

function textOf(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  // One that is no part of a longer text keeps nothing else alive.
  return value.length > MAX_TEXT ? flatCopy(value.slice(0, MAX_TEXT)) : value;
}
