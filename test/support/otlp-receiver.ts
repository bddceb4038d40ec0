import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { waitUntil } from './wait.ts';

/** A span, as it was received. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  /** Milliseconds since 1970, as is `endedAt`. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly traceState: string;
  readonly kind: 'internal' | 'server' | 'client' | undefined;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly failed: boolean;
  readonly resource: Readonly<Record<string, string | number | boolean>>;
}

/** What the receiver's process tells: where it listens, then what it receives, and what it was sent and did not take. */
export type ReceiverMessage =
  | { readonly port: number }
  | { readonly spans: readonly ReceivedSpan[] }
  | { readonly refused: readonly ReceivedSpan[] };

/** A receiver of traces by OTLP over HTTP, in protobuf: a process of its own. */
export interface OtlpReceiver {
  readonly url: string;
  readonly spans: readonly ReceivedSpan[];
  /** Those that it did not take, once for each time they were sent. */
  readonly refused: readonly ReceivedSpan[];
  /** Waits for a span with a name, the first or the one that `which` accepts. */
  span(name: string, which?: (span: ReceivedSpan) => boolean): Promise<ReceivedSpan>;
  /** Answers every export with a status from now on. */
  answer(status: number): void;
  stop(): Promise<void>;
}

const PROCESS = fileURLToPath(new URL('otlp-receiver-process.ts', import.meta.url));

/** @param status what every export is answered with, at first */
export async function startOtlpReceiver(status = 200): Promise<OtlpReceiver> {
  const child = fork(PROCESS, [String(status)], { execArgv: [] });
  const spans: ReceivedSpan[] = [];
  const refused: ReceivedSpan[] = [];
  const exited = once(child, 'exit');
  const port = await new Promise<number>((resolve, reject) => {
    child.on('message', (message: ReceiverMessage) => {
      if ('port' in message) resolve(message.port);
      else if ('spans' in message) spans.push(...message.spans);
      else refused.push(...message.refused);
    });
    child.once('exit', (code) => {
      reject(new Error(`the OTLP receiver ended with ${String(code)}`));
    });
  });
  return {
    url: `http://127.0.0.1:${port}`,
    spans,
    refused,
    async span(name, which = () => true) {
      const found = () => spans.find((span) => span.name === name && which(span));
      try {
        return await waitUntil(found);
      } catch (cause) {
        throw new Error(`no span ${name} among ${spans.map((span) => span.name).join(', ')}`, { cause });
      }
    },
    answer(next) {
      child.send(next);
    },
    async stop() {
      child.kill();
      await exited;
    },
  };
}
