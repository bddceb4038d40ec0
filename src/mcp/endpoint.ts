import type { IncomingMessage, ServerResponse } from 'node:http';
import { toNodeHandler } from '@modelcontextprotocol/node';
import {
  createMcpHandler,
  type AuthInfo,
  type InboundModernRoute,
  type McpHttpHandler,
} from '@modelcontextprotocol/server';
import { refusal, type Refusal } from '../monitoring/door/json-rpc.ts';
import { takeListens } from '../monitoring/door/listens.ts';
import {
  fieldOf,
  isRequest,
  LISTEN,
  toolNameOf,
  type Message,
  type RpcRequest,
} from '../monitoring/door/message.ts';
import { denialOf } from '../tools/denial.ts';
import type { McpBinding } from './binding.ts';
import { classify, type Route } from './classify.ts';
import { countRefused } from './connect-door.ts';
import { authInfoOf, type Sender } from './sender.ts';
import { writeAnswer } from './exchange.ts';
import { HeaderCheck } from './header-check.ts';
import {
  insufficientScope,
  invalidInitialize,
  notAcceptable,
  notServed,
  REFUSALS,
  refusalBySession,
  tooLongName,
} from './refusals.ts';
import { tellOfChanges } from './list-changes.ts';
import type { PeersOptions } from './peers.ts';
import { PlainLists } from './plain-lists.ts';
import type { PlainCall } from './plain-request.ts';
import { ServerFactory } from './server-factory.ts';
import { Sessions, type SessionLimits } from './sessions.ts';
import { StatelessCalls } from './stateless-calls.ts';
import { isServed, MODERN_VERSION } from './versions.ts';
import { problemOfInitialize } from './words.ts';

export interface EndpointOptions {
  readonly sessions: SessionLimits;
  /** The other replicas. */
  readonly peers: PeersOptions;
  /** Most subscriptions/listen streams open at a time. */
  readonly maxSubscriptions: number;
}

/** Which of the forms of an answer a client takes, by its Accept header. */
export interface Accepts {
  readonly json: boolean;
  readonly streams: boolean;
}

/** What is known of an HTTP request that passed the guards. */
export interface McpRequest {
  /** The parsed body of a POST, else `undefined`. */
  readonly body: unknown;
  readonly sender: Sender;
  readonly accepts: Accepts;
}

/** What the SDK's Node handlers take: a request, and who makes it. */
type Authenticated = IncomingMessage & { auth: AuthInfo; method: string; url: string };

/** The HTTP endpoint `/mcp`: answers 2025-era requests from sessions and modern ones one by one. */
export class McpEndpoint {
  readonly sessions: Sessions;
  readonly #binding: McpBinding;
  readonly #calls: StatelessCalls;
  readonly #lists: PlainLists;
  readonly #headerCheck: HeaderCheck;
  /** The SDK's handler of modern requests, and its entrance from Node. */
  readonly #modern: McpHttpHandler;
  readonly #serveModern: ReturnType<typeof toNodeHandler>;
  #stopTelling = (): void => undefined;
  #isClosed = false;

  constructor(binding: McpBinding, { sessions, peers, maxSubscriptions }: EndpointOptions) {
    this.#binding = binding;
    const servers = new ServerFactory(binding, { transport: 'http', comesBack: peers.names.length === 0 });
    this.#calls = new StatelessCalls(binding, servers);
    this.#lists = new PlainLists(binding);
    this.#headerCheck = new HeaderCheck(binding);
    this.sessions = new Sessions(servers, sessions, peers, binding);
    this.#modern = createMcpHandler(() => servers.createForHandler(), {
      legacy: 'reject',
      maxSubscriptions,
      keepAliveMs: binding.delays.keepAlive.seconds * 1000,
      onerror: binding.onProtocolError,
    });
    takeListens(this.#modern, binding.door);
    const { changingList, catalogue, now } = binding;
    if (changingList)
      this.#stopTelling = tellOfChanges(catalogue, now, () => {
        this.#modern.notify.toolsChanged();
        this.sessions.toolsChanged();
      });
    this.#serveModern = toNodeHandler(this.#modern, { onerror: binding.onError });
  }

  /**
   * Serves a request.
   * @returns why it did not, and then nothing was written
   */
  async serve(
    request: IncomingMessage,
    response: ServerResponse,
    { body, sender, accepts }: McpRequest,
  ): Promise<Refusal | undefined> {
    const { method = 'GET' } = request;
    const authInfo = ((request as Authenticated).auth = authInfoOf(sender, {
      takesStreams: accepts.streams,
      keepsUp: () => !response.writableNeedDrain,
    }));
    const { route, plain } = classify(request, body);
    const refused = refusalOf(request, body, route, accepts);
    if (refused) return { ...refused, ...idIn(body) };
    if (this.#isClosed) return { ...REFUSALS.closing, ...idIn(body) };
    const denied = this.#deniedCall(request, body, sender, authInfo);
    if (denied) return denied;
    // When the server stops, it ends this stream. A further request on the same connection would be lost, so the client must send
    // none.
    if (method === 'GET' || fieldOf(body, 'method') === LISTEN) response.setHeader('connection', 'close');
    if (route.kind === 'legacy') {
      const problem = await this.sessions.serve(request, response, body, { sender, authInfo });
      if (problem) return { ...idIn(body), ...refusalBySession(problem) };
    } else if (plain?.method === 'tools/list') this.#lists.serve(plain, response, authInfo);
    else if (route.kind === 'modern' && isCall(route)) {
      await this.#serveCall(request, response, { route, plainCall: plain, authInfo, sender });
    } else {
      await this.#serveModern(request as Authenticated, response, body);
    }
    return undefined;
  }

  /**
   * Refuses a call that needs further scopes, before its answer begins, which may still be 403. One of a batch is refused in the
   * answer, and one beyond its caller's quota by the executor.
   */
  #deniedCall(
    { headers }: IncomingMessage,
    body: unknown,
    { caller, waitSeconds = 0 }: Sender,
    authInfo: AuthInfo,
  ): Refusal | undefined {
    // Most callers have no scopes.
    if (!caller.scopes || waitSeconds > 0) return undefined;
    if (typeof body !== 'object' || body === null || !isRequest(body) || body.method !== 'tools/call')
      return undefined;
    const tool = this.#binding.catalogue.get(toolNameOf(body));
    const denial = tool && denialOf(caller, tool);
    if (!denial?.scopes) return undefined;
    const refused = { ...insufficientScope(denial), id: body.id };
    const answer = refusal(refused.code, refused.detail, body.id) as Message;
    const revision = headers['mcp-protocol-version'];
    countRefused(body, answer, authInfo, this.#binding, {
      peer: { revision: revision?.toString() },
      refusedAs: denial,
    });
    return refused;
  }

  async #serveCall(
    request: IncomingMessage,
    response: ServerResponse,
    { route, plainCall, authInfo, sender }: StatelessCall,
  ): Promise<void> {
    // Beyond the quota the executor refuses it, whatever its headers say: to compare them costs more than a call.
    const isBeyond = (sender.waitSeconds ?? 0) > 0;
    const refused =
      isBeyond || this.#headerCheck.headersMatch(request, route)
        ? undefined
        : await this.#headerCheck.refusal(request, route, authInfo);
    if (refused) {
      const answer = (await refused.clone().json()) as Message;
      countRefused(route.message as RpcRequest, answer, authInfo, this.#binding);
      await writeAnswer(refused, response);
    } else if (plainCall) await this.#calls.servePlain(plainCall, response, authInfo);
    else await this.#calls.serveBySdk(route, response, authInfo);
  }

  /** Opens no new sessions; those there are go on. */
  acceptNoSessions(): void {
    this.sessions.acceptNone();
  }

  /** Ends all streams: subscriptions with their final result, sessions with an error for what is in flight. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stopTelling();
    await Promise.all([this.sessions.close(), this.#modern.close()]);
  }
}

/** A call of 2026-07-28 whose headers may still contradict it. */
interface StatelessCall {
  readonly route: InboundModernRoute;
  readonly plainCall: PlainCall | undefined;
  readonly authInfo: AuthInfo;
  readonly sender: Sender;
}

/** Revisions without JSON-RPC batches; MCP 2025-06-18, "Major changes". */
const NO_BATCHES: ReadonlySet<string> = new Set(['2025-06-18', '2025-11-25']);

const isCall = ({ messageKind, message }: InboundModernRoute): boolean =>
  messageKind === 'request' && message.method === 'tools/call';
const idIn = (body: unknown): Pick<Refusal, 'id'> =>
  typeof body === 'object' && body !== null && isRequest(body) ? { id: body.id } : {};

/** Why a request is refused for what its headers say, if it is. */
function refusalOf(
  { method, headers }: IncomingMessage,
  body: unknown,
  route: Route,
  accepts: Accepts,
): Refusal | undefined {
  const version = headers['mcp-protocol-version'];
  const isOfSession = headers['mcp-session-id'] !== undefined && version !== MODERN_VERSION;
  if (method !== 'POST' && !isOfSession) return REFUSALS.post_only;
  const unserved = unservedVersion(version, route);
  if (unserved !== undefined) return notServed(unserved, route.kind === 'modern');
  if (route.kind === 'legacy' && Array.isArray(body) && NO_BATCHES.has(String(version)))
    return REFUSALS.batch;
  const missing = formsOf(method, route).filter((form) => !accepts[form]);
  if (missing.length > 0) return notAcceptable(missing.map((form) => TYPES[form]));
  if (route.kind !== 'legacy') return tooLongName(body);
  const problem = isInitialize(route) ? problemOfInitialize(body) : undefined;
  return problem === undefined ? undefined : invalidInitialize(problem);
}

/**
 * The version that a request is to be served by, where it is not served. An `initialize` of the 2025 era asks for its version, which
 * is agreed on.
 */
function unservedVersion(header: string | string[] | undefined, route: Route): string | undefined {
  if (isInitialize(route)) return undefined;
  const named = header?.toString();
  if (named !== undefined && !isServed(named)) return named;
  const claimed = route.kind === 'modern' ? route.classification.revision : undefined;
  return claimed === undefined || isServed(claimed) ? undefined : claimed;
}

const isInitialize = (route: Route): boolean => route.kind === 'legacy' && route.reason === 'initialize';

const TYPES = { json: 'application/json', streams: 'text/event-stream' } as const;

/** The forms that an answer may have. In the stateless era what only a stream can say is left out where none is taken. */
function formsOf(method: string | undefined, route: Route): readonly (keyof Accepts)[] {
  if (route.kind === 'reject' || method === 'DELETE') return [];
  if (method === 'GET') return ['streams'];
  if (route.kind === 'legacy') return ['json', 'streams'];
  return (route.message as Message).method === LISTEN ? ['streams'] : ['json'];
}
