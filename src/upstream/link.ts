import {
  METHOD_NOT_FOUND,
  ProtocolError,
  type Client,
  type PriorDiscovery,
  type RequestOptions,
} from '@modelcontextprotocol/client';
import type { UpstreamCall } from './call-params.ts';
import { asFault, Fault, faultOf, noAnswerWithin } from './fault.ts';
import type { Asking } from './questions.ts';
import { ANY } from './raw-results.ts';
import { createClient, type ClientSettings } from './sdk-client.ts';
import { StandingStream } from './standing-stream.ts';
import { UpstreamTransport, type TransportOptions } from './transport.ts';
import type { Watcher } from './watchers.ts';

export interface LinkOptions extends TransportOptions, ClientSettings {
  /** Told that the upstream's tools may have changed. */
  readonly listChanged: () => void;
  /** Told of each request that was made. */
  readonly observe: (operation: ClientOperation) => void;
}

/** A request to an upstream, and what became of it. */
export interface ClientOperation {
  readonly method: string;
  readonly seconds: number;
  /** Why there is no answer; missing when there is one. */
  readonly fault?: Fault | undefined;
  /** The code of a JSON-RPC error, when that is the answer. */
  readonly errorCode?: number | undefined;
  /** Whether the answer is a result with `isError`. */
  readonly isError: boolean;
  /** The trace of the call that it was made for, when that is kept. */
  readonly traceId?: string | undefined;
}

/** What is told of a call before its answer. */
export interface CallWatcher {
  readonly notice: Watcher['notice'];
  readonly progress?: RequestOptions['onprogress'];
  /** Missing where nobody can be asked. */
  readonly asking?: Asking | undefined;
}

/** Longer than anybody waits: who asks has a deadline. In milliseconds, and the longest that a timer can be. */
const NO_TIMEOUT_MS = 2 ** 31 - 1;

/** A connection to an upstream in MCP's sense: its era is known, and in the 2025 era it may have a session. */
export class Link {
  readonly #client: Client;
  readonly #transport: UpstreamTransport;
  readonly #standing: StandingStream;
  readonly #options: LinkOptions;

  private constructor(options: LinkOptions) {
    this.#options = options;
    this.#transport = new UpstreamTransport(options);
    this.#client = createClient(options);
    this.#standing = new StandingStream(this.#hear, options.now);
    this.#client.setNotificationHandler('notifications/tools/list_changed', options.listChanged);
  }

  /**
   * Connects.
   * @param prior what is known of the era; left out, the upstream is asked
   * @param signal gives it up
   * @throws Fault
   */
  static async connect(
    options: LinkOptions,
    seconds: number,
    { prior, signal }: { readonly prior?: PriorDiscovery; readonly signal?: AbortSignal } = {},
  ): Promise<Link> {
    const link = new Link(options);
    const giveUp = (): void => void link.#transport.close();
    signal?.addEventListener('abort', giveUp);
    const method = prior?.kind === 'legacy' ? 'initialize' : 'server/discover';
    try {
      await link.#timed(method, seconds, (timeout) =>
        link.#client.connect(link.#transport, { ...timeout, ...(prior && { prior }) }),
      );
      return link;
    } catch (error) {
      // The upstream may have opened a session, which nobody would use.
      void link.end(seconds);
      await link.#client.close();
      throw error;
    } finally {
      signal?.removeEventListener('abort', giveUp);
    }
  }

  get isModern(): boolean {
    return this.#client.getProtocolEra() === 'modern';
  }

  /** Whether the upstream keeps a session for it, which nobody else may use. */
  get hasSession(): boolean {
    return this.#transport.sessionId !== undefined;
  }

  /** A page of the upstream's tools, as it sent it. */
  async list(cursor: string | undefined, seconds: number, maxBytes: number): Promise<unknown> {
    const params = cursor === undefined ? {} : { cursor };
    let page: unknown;
    // The SDK refuses a page for one tool that it does not like.
    const result = (raw: unknown): void => {
      page = raw;
    };
    await this.#timed('tools/list', seconds, (timeout) =>
      this.#transport.watchers
        .during({ result, maxBytes }, (key) =>
          this.#client.request({ method: 'tools/list', params }, ANY, { ...timeout, ...key }),
        )
        .catch((error: unknown) => {
          if (page === undefined && !this.#hasNoTools(error)) throw error;
        }),
    );
    return page ?? { tools: [] };
  }

  /** Whether an error says that there are no tools to list, but other things perhaps. */
  #hasNoTools(error: unknown): boolean {
    const isUnknown = error instanceof ProtocolError && error.code === METHOD_NOT_FOUND;
    return isUnknown && this.#client.getServerCapabilities()?.tools === undefined;
  }

  /** Asks whether the upstream is there, as calls go to it. */
  async probe(seconds: number): Promise<void> {
    const method = this.isModern ? 'server/discover' : 'ping';
    await this.#timed(method, seconds, async (timeout) => {
      await (this.isModern ? this.#client.discover(timeout) : this.#client.ping(timeout));
    });
  }

  /**
   * Makes a call; resolves to the result as the upstream sent it.
   * @param signal ends it, with a Fault that says why as its reason
   * @throws Fault, or ProtocolError for a JSON-RPC error
   */
  async call(
    { params, modernMeta, inputSchema, traceId }: UpstreamCall,
    { progress, notice, asking }: CallWatcher,
    signal: AbortSignal,
  ): Promise<unknown> {
    let raw: unknown;
    const watcher = {
      ...(notice && { notice }),
      ask: asking?.ask,
      result: (result: unknown): void => {
        raw = result;
      },
    };
    const meta = { ...(params['_meta'] as object | undefined), ...(this.isModern && modernMeta) };
    const make = (): Promise<unknown> =>
      this.#transport.watchers.during(watcher, async (key) => {
        const sent = { ...params, ...(Object.keys(meta).length > 0 && { _meta: meta }) };
        const options = {
          ...key,
          signal,
          timeout: NO_TIMEOUT_MS,
          allowInputRequired: true,
          ...(progress && { onprogress: progress }),
          toolDefinition: { name: params.name, inputSchema },
        } as const;
        await this.#client.callTool(sent, options).catch((error: unknown) => {
          // What the SDK does not like is the result of one tool. What it throws at an end of ours does not say why.
          if (raw === undefined) throw signal.reason instanceof Fault ? signal.reason : error;
        });
        return raw;
      });
    if (asking) await this.#standing.open();
    return this.#observed('tools/call', make, { traceId, waited: asking?.waited });
  }

  /**
   * Is told of changes of the list, until the upstream or `signal` ends that.
   * @throws Fault; one that is final says that the upstream tells of none
   */
  async listen(signal: AbortSignal, seconds: number): Promise<void> {
    if (!this.#client.getServerCapabilities()?.tools?.listChanged)
      throw new Fault('refused', 'it tells of no changes');
    if (!this.isModern) return this.#hear(signal);
    const options = { timeout: seconds * 1000, signal };
    const listening = this.#client.listen({ toolsListChanged: true }, options);
    await listening.then(({ closed }) => closed).catch(this.#asFault);
  }

  readonly #hear = (signal: AbortSignal, began?: () => void): Promise<void> =>
    this.#transport.listen(signal, began).catch(this.#asFault);

  readonly #asFault = (error: unknown): never => {
    throw faultOf(error, this.hasSession) ?? asFault(error);
  };

  /** Hears no more questions: the session that they would come in is lost. */
  stopHearing(): void {
    this.#standing.close();
  }

  /** Ends the upstream's session, where there is one; what is in flight goes on. */
  async end(seconds: number): Promise<void> {
    await this.#transport.endSession(AbortSignal.timeout(seconds * 1000)).catch(() => undefined);
  }

  /** Ends it, with all that is in flight. */
  async close(seconds: number): Promise<void> {
    await this.end(seconds);
    await this.#client.close();
  }

  #timed<Result>(
    method: string,
    seconds: number,
    make: (timeout: { readonly timeout: number }) => Promise<Result>,
  ): Promise<Result> {
    return this.#observed(method, () => make({ timeout: seconds * 1000 }), { seconds });
  }

  async #observed<Result>(
    method: string,
    make: () => Promise<Result>,
    {
      seconds,
      traceId,
      waited = () => 0,
    }: {
      readonly seconds?: number;
      readonly traceId?: string | undefined;
      readonly waited?: (() => number) | undefined;
    },
  ): Promise<Result> {
    const { now, observe } = this.#options;
    const startedAt = now();
    const end = (operation: Omit<ClientOperation, 'method' | 'seconds'>): void => {
      observe({ method, seconds: now() - startedAt - waited(), traceId, ...operation });
    };
    try {
      const result = await make();
      end({ isError: (result as { readonly isError?: unknown } | undefined)?.isError === true });
      return result;
    } catch (error) {
      const fault = faultOf(error, this.hasSession);
      end({ isError: false, fault, errorCode: error instanceof ProtocolError ? error.code : undefined });
      if (!fault) throw error;
      throw fault.kind === 'timeout' && seconds !== undefined ? noAnswerWithin(seconds) : fault;
    }
  }
}
