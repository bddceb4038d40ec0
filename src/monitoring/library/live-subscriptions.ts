import { LISTEN, paramOf, type Message, type RpcRequest } from '../message.ts';

/** Most subscriptions of one connection that are told apart. */
const MAX_PER_CONNECTION = 10_000;

/** The subscriptions of servers that are not ours. */
export class LiveSubscriptions {
  readonly #connections = new Set<ConnectionSubscriptions>();

  /** Those that are open now. */
  get size(): number {
    return [...this.#connections].reduce((sum, connection) => sum + connection.size, 0);
  }

  /** Those of one connection, which end with it. */
  connect(): ConnectionSubscriptions {
    return new ConnectionSubscriptions(this.#connections);
  }
}

/**
 * The subscriptions of one connection: every `subscriptions/listen` until it is answered or dropped, and in the 2025 era
 * every resource between `resources/subscribe` and `resources/unsubscribe`.
 */
export class ConnectionSubscriptions {
  readonly #all: Set<ConnectionSubscriptions>;
  readonly #listens = new Set<RpcRequest>();
  readonly #resources = new Set<string>();

  constructor(all: Set<ConnectionSubscriptions>) {
    this.#all = all;
  }

  get size(): number {
    return this.#listens.size + this.#resources.size;
  }

  received(request: RpcRequest): void {
    if (request.method !== LISTEN || this.size >= MAX_PER_CONNECTION) return;
    this.#listens.add(request);
    this.#keep();
  }

  answered(request: RpcRequest, { error }: Message): void {
    this.#listens.delete(request);
    const uri = paramOf(request, 'uri');
    if (error === undefined && typeof uri === 'string') this.#change(request.method, uri);
    this.#keep();
  }

  dropped(request: RpcRequest): void {
    this.#listens.delete(request);
    this.#keep();
  }

  closed(): void {
    this.#listens.clear();
    this.#resources.clear();
    this.#keep();
  }

  #change(method: string, uri: string): void {
    if (method === 'resources/unsubscribe') this.#resources.delete(uri);
    if (method === 'resources/subscribe' && this.size < MAX_PER_CONNECTION) this.#resources.add(uri);
  }

  /** Only connections with subscriptions are kept: there may be one for each request. */
  #keep(): void {
    if (this.size > 0) this.#all.add(this);
    else this.#all.delete(this);
  }
}
