import type { IncomingHttpHeaders } from 'node:http';
import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { MAX_INFORMATIONAL } from '../tools/informational.ts';
import { Fault } from './fault.ts';

/** An answer that has begun. */
export interface Response {
  readonly statusCode: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readable;
}

/** A request to an upstream. */
export interface Asked {
  readonly url: string;
  readonly method: 'POST' | 'GET' | 'DELETE';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  /** Ends it, with its reason; nothing else does. */
  readonly signal: AbortSignal;
}

/**
 * Makes a request; resolves when its answer begins. As `request` of undici would, whose objects outlive collections of young
 * garbage: these took several times as long then, and every other call with them.
 */
export function ask(pool: Dispatcher, { url, signal, ...rest }: Asked): Promise<Response> {
  const { origin, pathname, search } = new URL(url);
  const asking = new Asking(signal);
  if (!signal.aborted)
    pool.dispatch({ origin, path: pathname + search, ...rest, headersTimeout: 0, bodyTimeout: 0 }, asking);
  return asking.response;
}

class Asking implements Dispatcher.DispatchHandler {
  readonly #signal: AbortSignal;
  readonly #begun = Promise.withResolvers<Response>();
  #controller: Dispatcher.DispatchController | undefined;
  #body: Readable | undefined;
  #informational = 0;
  #isOver = false;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', this.#end);
    if (signal.aborted) this.#end();
  }

  get response(): Promise<Response> {
    return this.#begun.promise;
  }

  /** It may wait for a connection yet. */
  readonly #end = (): void => {
    const reason = this.#signal.reason as Error;
    this.#controller?.abort(reason);
    this.#fail(reason);
  };

  #fail(error: Error): void {
    this.#over();
    this.#begun.reject(error);
    this.#body?.destroy(error);
  }

  #over(): void {
    this.#isOver = true;
    this.#signal.removeEventListener('abort', this.#end);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isOver) controller.abort(this.#signal.reason as Error);
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    statusCode: number,
    headers: IncomingHttpHeaders,
  ): void {
    if (statusCode < 200) {
      this.#informational += 1;
      if (this.#informational > MAX_INFORMATIONAL)
        controller.abort(new Fault('broken', 'it sends informational answers without end'));
      return;
    }
    const body = new Readable({
      read() {
        controller.resume();
      },
      destroy: (error, done) => {
        if (!this.#isOver) controller.abort(error ?? new Error('nobody reads it'));
        this.#over();
        done(error);
      },
    });
    // Whoever reads it is told; nobody else needs to be.
    body.on('error', () => undefined);
    this.#body = body;
    this.#begun.resolve({ statusCode, headers, body });
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#body?.push(chunk) === false) controller.pause();
  }

  onResponseEnd(): void {
    this.#over();
    this.#body?.push(null);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#fail(error);
  }
}
