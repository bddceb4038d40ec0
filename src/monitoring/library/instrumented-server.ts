import type { AsyncLocalStorage } from 'node:async_hooks';
import type { CallObserver } from '../../tools/call.ts';
import { UNKNOWN_TOOL } from '../../tools/reasons.ts';
import { onRegistered, reportSteps } from './call-steps.ts';
import { identify, reasonOfThrownByHandler, type InstrumentedCall } from './instrumented-call.ts';
import type { Door } from '../door/door.ts';
import type { KnownTools } from './known-tools.ts';
import type { TransportName } from '../metrics/labels.ts';
import type { LiveSessions } from '../live-sessions.ts';
import type { DoorTransport } from '../door/door-adapter.ts';
import { toolNamesIn, type Message } from '../door/message.ts';
import type { Recorder } from '../metrics/recorder.ts';
import {
  highOf,
  lowOf,
  requestHandlersOf,
  serverNameOf,
  transportNameOf,
  type HighServer,
  type InstrumentableServer,
  type LowServer,
} from './server-shape.ts';
import type { ToolLists } from './tool-lists.ts';
import type { Tracing } from '../traces/tracing.ts';
import { watchToolsCall } from './watched-handler.ts';

export interface InstrumentOptions {
  /**
   * Names of tools that are not registered, as those of a low-level `Server` or of a tools/call handler of one's own, so
   * that their series exist from the start. Otherwise they are known once they were listed or called with success, or a
   * call of one failed: then the server is asked for its list.
   */
  readonly tools?: readonly string[];
  /** How clients reach it. Default: told by the transport it is connected to. */
  readonly transport?: TransportName;
}

/** What all instrumented servers and functions share. */
export interface InstrumentationParts {
  readonly recorder: Recorder;
  /** Told of each call: the recorder, and what else there is. */
  readonly observer: CallObserver;
  readonly tracing: Tracing;
  readonly tools: KnownTools;
  readonly lists: ToolLists;
  readonly sessions: LiveSessions;
  readonly door: Door<InstrumentedCall>;
  /** The name of the measured function that runs, where one does. */
  readonly functions: AsyncLocalStorage<string>;
  /** Monotonic, in seconds. */
  readonly now: () => number;
  readonly newRequestId: () => string;
}

/** A server, and the tools it is known to have. */
export class InstrumentedServer {
  readonly low: LowServer;
  readonly high: HighServer | undefined;
  readonly #options: InstrumentOptions;
  readonly #parts: InstrumentationParts;
  #closed = false;

  constructor(server: InstrumentableServer, options: InstrumentOptions, parts: InstrumentationParts) {
    this.low = lowOf(server);
    this.high = highOf(server);
    this.#options = options;
    this.#parts = parts;
    for (const name of options.tools ?? []) parts.tools.learn(name);
    if (this.high) {
      reportSteps(this.high, () => parts.door.current?.held, parts.now);
      onRegistered(this.high, (name) => {
        parts.tools.label(name);
      });
    }
    const close = this.low.close.bind(this.low);
    this.low.close = async () => {
      this.#closed = true;
      await close();
    };
  }

  /** Whether the application closed it, and not its client. */
  get closed(): boolean {
    return this.#closed;
  }

  transportName(transport: DoorTransport): TransportName {
    return this.#options.transport ?? transportNameOf(transport);
  }

  /** It is in use on a transport, again perhaps. */
  connected(): void {
    this.#closed = false;
    this.#learnRegistered();
  }

  learnListed(answer: Message): void {
    for (const name of toolNamesIn(answer)) if (!this.#registered(name)) this.#parts.tools.learn(name);
  }

  #learnRegistered(): void {
    for (const name of Object.keys(this.high?._registeredTools ?? {})) this.#parts.tools.label(name);
  }

  toolLabel(name: string): string {
    const { tools } = this.#parts;
    const registered = this.#registered(name);
    const exists = registered ? registered.enabled !== false : !this.registersTools && tools.hasLearned(name);
    return exists ? tools.label(name) : UNKNOWN_TOOL;
  }

  /** Whether the tools it has are those that are registered; otherwise handlers of the application say. */
  get registersTools(): boolean {
    return Object.keys(this.high?._registeredTools ?? {}).length > 0;
  }

  #registered(name: string): HighServer['_registeredTools'][string] | undefined {
    const tools = this.high?._registeredTools ?? {};
    return Object.hasOwn(tools, name) ? tools[name] : undefined;
  }

  /** Has the application's handler of tools/call report, for the call that it carries out, what the answer will not. */
  watchHandler(): void {
    if (this.registersTools) return;
    watchToolsCall(this.low, this, (handle) => async (request, context) => {
      const call = this.#parts.door.current?.held;
      if (call?.tool === UNKNOWN_TOOL) this.#askForTool(call, context);
      try {
        return await handle(request, context);
      } catch (cause) {
        const reason = reasonOfThrownByHandler(cause);
        if (call && reason) call.failure ??= { reason, cause };
        throw cause;
      }
    });
  }

  #askForTool(call: InstrumentedCall, context: unknown): void {
    const { door, lists, tools } = this.#parts;
    const list = requestHandlersOf(this.low)?.get('tools/list');
    if (!list) return;
    const listing = door.apart(() => lists.of(serverNameOf(this.low), list, context));
    call.asking = listing.ended.then(() => {
      call.asking = undefined;
      if (tools.hasLearned(call.call.name)) identify(call, this.#parts);
      else call.missing = listing.state === 'had';
    });
  }
}
