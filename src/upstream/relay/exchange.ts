import type { ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';
import type { Refusal } from '../../monitoring/door/json-rpc.ts';
import type { Failure } from '../../tools/call.ts';
import { MAX_INFORMATIONAL } from '../../tools/informational.ts';
import { Fault, noAnswerWithin, ofConnection, ofStatus } from '../fault.ts';
import { ofFault, ofSilence } from '../outcomes.ts';
import { Answer, type AnswerOptions } from './answer.ts';
import type { Conversation } from './conversation.ts';
import type { Ending } from './ending.ts';
import { SESSION_HEADER, whyNotPassedBack, type AnswerHeaders } from './headers.ts';
import type { Heard } from './heard.ts';
import { isRequest, type Message } from './messages.ts';
import { Patience } from './patience.ts';
import { failureOf, refusalOf } from './refusals.ts';
import type { Requests, Waiting } from './requests.ts';

/** What an exchange needs of its relay. */
export interface ExchangeHost extends Pick<AnswerOptions, 'maxBytes' | 'keepAliveSeconds'> {
  readonly upstream: { readonly name: string; readonly timeoutSeconds: number };
  /** Monotonic, in seconds. */
  readonly now: () => number;
  /** An answer came for which no request of the exchange waits. */
  readonly answered: (message: Message, exchange: Exchange) => void;
  /** Those that wait may be answered on another stream, when the client comes back; if not, they fail so. */
  readonly owe: (waiting: readonly Waiting[], failure: Failure | undefined, exchange: Exchange) => void;
  /** It is over. */
  readonly over: (exchange: Exchange) => void;
}

export interface ExchangeOptions {
  readonly requests: Requests;
  /** The session that it belongs to, as its client calls it: an upstream may give two clients the same id. */
  readonly sessionId: string | undefined;
  /** That of its session, or one of its own. */
  readonly conversation: Conversation;
  /** Whether the answer is a stream that may be silent while nothing else is waited for. */
  readonly listens: boolean;
  /** Whether it may be silent before it begins, too. */
  readonly isGet: boolean;
  /** What the client is to call a session. */
  readonly sealedId: (sessionId: string) => string | undefined;
  /** Told what became of it, with the status of the answer, which is 0 before there is one. */
  readonly heard: (heard: Heard, status: number) => void;
}

/**
 * One HTTP request that is passed on to an upstream, and its answer, which is passed back as it comes. What became of the requests
 * is read on the way. A silent upstream is waited for no longer than it may be silent.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly requests: Requests;
  readonly sessionId: string | undefined;
  readonly conversation: Conversation;
  readonly #host: ExchangeHost;
  readonly #options: ExchangeOptions;
  readonly #answer: Answer;
  readonly #begun = Promise.withResolvers<Refusal | undefined>();
  readonly #brought: readonly { readonly id: string | number }[];
  readonly #patience: Patience;
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;
  #informational = 0;
  #isOver = false;

  constructor(host: ExchangeHost, response: ServerResponse, options: ExchangeOptions) {
    this.requests = options.requests;
    this.sessionId = options.sessionId;
    this.conversation = options.conversation;
    this.#host = host;
    this.#options = options;
    this.#answer = new Answer(response, host, this.#take);
    this.#brought = options.requests.waiting.map(({ request }) => request);
    this.#patience = new Patience({
      seconds: host.upstream.timeoutSeconds,
      now: host.now,
      excusedUntil: () => this.conversation.askedUntil,
      onSilence: this.#onSilence,
    });
    if (options.isGet) this.#patience.pause();
    response.on('close', this.clientLeft).on('drain', this.#onClientReads);
  }

  /** Resolves when an answer has begun, or to why there is none. */
  get begun(): Promise<Refusal | undefined> {
    return this.#begun.promise;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isOver) controller.abort(new Error('nobody waits for it'));
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: AnswerHeaders): void {
    if (this.#isOver) return;
    if (status < 200) {
      this.#informational += 1;
      if (this.#informational > MAX_INFORMATIONAL)
        this.#fail(new Fault('broken', 'it sends informational answers without end'));
      return;
    }
    const fault = whyNotPassedBack(status, headers, this.requests.waiting.length > 0);
    if (fault) {
      this.#fail(fault);
      return;
    }
    this.#status = status;
    const { [SESSION_HEADER]: session } = headers;
    const sealed = typeof session === 'string' ? this.#options.sealedId(session) : undefined;
    this.#answer.begin(status, headers, sealed);
    this.#begun.resolve(undefined);
    if (!this.#mayBeSilent) this.#patience.resume();
    if (!this.#answer.isStream || status >= 300) return;
    this.#options.heard({ kind: 'began' }, status);
    if (this.#mayBeSilent) this.#patience.pause();
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isOver) return;
    this.conversation.heard();
    const keepsUp = this.#answer.pass(chunk);
    if (keepsUp && !this.#mayBeSilent) this.#patience.heard();
    else this.#patience.pause();
    if (!keepsUp) controller.pause();
  }

  readonly #onClientReads = (): void => {
    if (this.#isOver || this.#controller?.paused !== true) return;
    if (!this.#mayBeSilent) this.#patience.resume();
    this.#controller.resume();
  };

  /** Whether the upstream may be silent for as long as it likes. */
  get #mayBeSilent(): boolean {
    return this.onlyListens && this.#answer.isStream;
  }

  readonly #take = (message: Message): void => {
    if (isRequest(message)) this.conversation.asked(message.id);
    else if (message.method === undefined && !this.requests.answer(message))
      this.#host.answered(message, this);
  };

  onResponseEnd(): void {
    if (this.#isOver) return;
    this.#answer.readToEnd();
    const { bytesUnread } = this.#answer;
    if (bytesUnread > 0) this.requests.passedUnread(bytesUnread);
    if (this.#options.listens) this.requests.endListens();
    const isOk = this.#status < 300;
    const isLeft = this.requests.waiting.length > 0;
    const isOwed = isLeft && isOk && this.#canComeBack;
    if (isOwed) this.#host.owe(this.requests.take(), undefined, this);
    else if (isLeft && isOk) {
      this.#fail(new Fault('connection', 'it ended its answer before the end'));
      return;
    }
    const fault = isOk ? undefined : ofStatus(this.#status, this.sessionId !== undefined);
    if (fault?.kind === 'server') this.#options.heard({ kind: 'failed', fault }, this.#status);
    else {
      const kind = isOk && !isOwed && this.#brought.length > 0 ? 'answered' : 'found';
      this.#options.heard({ kind }, this.#status);
    }
    this.#end();
    this.#answer.end();
    if (fault) this.requests.fail(failureOf(fault, this.#host.upstream.name), fault);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (!this.#isOver) this.#fail(ofConnection(error));
  }

  readonly #onSilence = (): void => {
    // What else was waited for has been cancelled.
    if (this.#mayBeSilent) return;
    // What waits for nothing any more, as all has been answered or cancelled, just ends.
    if (this.#brought.length > 0 && this.requests.waiting.length === 0) {
      this.#abandon('nothing is waited for');
      this.#answer.end();
    } else this.#fail(noAnswerWithin(this.#host.upstream.timeoutSeconds));
  };

  /** The client has left. */
  readonly clientLeft = (): void => {
    if (this.#isOver) return;
    this.#abandon('the client has left');
    if (this.#canComeBack) this.#host.owe(this.requests.take(), undefined, this);
    else this.requests.clientLeft();
  };

  #abandon(why: string): void {
    this.#end();
    this.#controller?.abort(new Error(why));
    this.#options.heard({ kind: 'abandoned' }, this.#status);
    this.#begun.resolve(undefined);
  }

  /** Whether it waits for nothing but what the upstream may say some time. */
  get onlyListens(): boolean {
    return this.#options.listens && this.requests.listenOnly;
  }

  /** Ends it for a reason of ours. */
  stop({ failure, mayComeBack }: Ending): void {
    this.#options.heard({ kind: 'abandoned' }, this.#status);
    if (!mayComeBack || !this.#canComeBack) {
      this.#breakOff(failure);
      return;
    }
    this.#end();
    this.#controller?.abort(new Error(failure.message));
    this.#answer.cut();
    this.requests.fail(failure);
  }

  /** Ends it for a fault of the upstream. */
  #fail(fault: Fault): void {
    this.#options.heard({ kind: 'failed', fault }, this.#status);
    const { name } = this.#host.upstream;
    if (fault.kind === 'timeout') this.#breakOff(ofSilence(fault, name), fault);
    else if (this.#canComeBack) {
      this.#host.owe(this.requests.take(), ofFault(fault, name), this);
      this.#end();
      this.#answer.cut();
    } else this.#breakOff(ofFault(fault, name), fault);
  }

  /** Ends it before its end, and tells its client as well as that can be. */
  #breakOff(failure: Failure, fault?: Fault): void {
    this.#end();
    this.#controller?.abort(new Error(failure.message));
    const unanswered = this.requests.waiting.map(({ request }) => request);
    if (this.#answer.hasBegun) this.#answer.breakOff(failure, unanswered);
    this.#begun.resolve(this.#answer.hasBegun ? undefined : refusalOf(failure, this.#brought));
    this.requests.fail(failure, fault);
  }

  /** Whether a client that comes back can get the rest of its answer. */
  get #canComeBack(): boolean {
    return this.#answer.canResume && this.sessionId !== undefined;
  }

  #end(): void {
    this.#isOver = true;
    this.#patience.pause();
    this.#answer.stopSpeaking();
    this.#host.over(this);
  }
}
