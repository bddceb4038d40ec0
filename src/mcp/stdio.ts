import type { Readable, Writable } from 'node:stream';
import { SUBSCRIPTION_ID_META_KEY, type Server } from '@modelcontextprotocol/server';
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio';
import { onConnected, runAsReceived } from '../monitoring/door/door-adapter.ts';
import type { SessionCloseReason } from '../monitoring/metrics/labels.ts';
import { LiveSessions } from '../monitoring/live-sessions.ts';
import { MessageLines } from './message-lines.ts';
import type { McpBinding } from './binding.ts';
import { connectDoor } from './connect-door.ts';
import { tellOfChanges } from './list-changes.ts';
import { senderIn } from './sender.ts';
import { ServerFactory } from './server-factory.ts';

/** One client on stdin and stdout. */
export interface StdioConnection {
  /** 1 while the client is connected, then 0: the connection is the session. */
  readonly sessions: number;
  /** Resolves when the client has hung up. */
  readonly ended: Promise<void>;
  close(): Promise<void>;
}

/** How much of its answers a client may leave unread before its further requests wait until it has read. */
const MAX_UNREAD_BYTES = 16 * 1024 * 1024;

export interface StdioOptions {
  readonly stdin: Readable;
  /** Nothing else may write to it. */
  readonly stdout: Writable;
  /** The longest message that is read. */
  readonly maxMessageBytes: number;
  /** Most subscriptions/listen streams open at a time. */
  readonly maxSubscriptions: number;
}

/** Serves MCP over stdio, in whichever era the client speaks. */
export function connectStdio(
  binding: McpBinding,
  { stdin, stdout, maxMessageBytes, maxSubscriptions }: StdioOptions,
): StdioConnection {
  const { recorder, now, audit, newRequestId } = binding;
  const reader = { takesStreams: true, keepsUp: () => !stdout.writableNeedDrain };
  const servers = new ServerFactory(binding, { transport: 'stdio', reader, comesBack: true });
  const live = new LiveSessions(recorder, now);
  const endSession = live.begin('stdio');
  audit?.sessionOpened({ ...senderIn(undefined, 'stdio', newRequestId), transport: 'stdio' });
  const lines = new MessageLines(maxMessageBytes, (answer) => {
    binding.onProtocolError(new Error(answer.error.message));
    stdout.write(`${JSON.stringify(answer)}\n`);
    expectReader();
  });
  // The SDK listens for an error once for each answer that is on its way.
  stdout.setMaxListeners(0);
  // What else ends stdin ends the connection, too: `pipe` passes on no errors.
  for (const event of ['error', 'close']) stdin.once(event, () => lines.end());
  const transport = new StdioServerTransport(stdin.pipe(lines), stdout, {
    // Larger than any line, of which it keeps one at a time.
    maxBufferSize: 2 * maxMessageBytes,
  });
  let isWaiting = false;
  const expectReader = (): void => {
    const { writableLength: unread } = stdout;
    if (isWaiting || unread <= MAX_UNREAD_BYTES) return;
    isWaiting = true;
    binding.onError(
      new Error(
        `The client has left ${unread} bytes of answers unread: its further requests wait until it reads them`,
      ),
    );
    lines.pause();
    stdout.once('drain', () => {
      isWaiting = false;
      lines.resume();
    });
  };
  let served: Server | undefined;
  const create = ({ era }: { readonly era: 'legacy' | 'modern' }): Server => {
    const server = servers.create(era);
    served = server;
    onConnected(server, (channel) => {
      runAsReceived(channel, connection);
    });
    return server;
  };
  const stopTelling = binding.changingList
    ? tellOfChanges(binding.catalogue, now, () => {
        served?.sendToolListChanged().catch(binding.onError);
      })
    : undefined;
  const handle = serveStdio(create, { transport, maxSubscriptions, onerror: binding.onError });
  const send = transport.send.bind(transport);
  transport.send = (message) => {
    const sent = send(message);
    expectReader();
    // The SDK puts a new stream of changes in the place of one with its id, and says no more of the old one.
    const begun = 'method' in message ? message.params?._meta?.[SUBSCRIPTION_ID_META_KEY] : undefined;
    for (const replaced of connection.withId(begun).slice(0, -1)) connection.drop(replaced, 'cancelled');
    return sent;
  };
  // Outside of what the SDK does: it answers some requests itself.
  const connection = connectDoor(transport, { transport: 'stdio' }, binding);
  const end = (reason: SessionCloseReason): void => {
    endSession({ reason, protocolVersion: connection.peer.revision });
  };
  const ended = new Promise<void>((resolve) => {
    const { onclose } = transport;
    transport.onclose = () => {
      end('client');
      onclose?.();
      resolve();
    };
  });
  return {
    get sessions() {
      return live.size;
    },
    ended,
    async close() {
      stopTelling?.();
      end('shutdown');
      await handle.close();
      // The last answers are on their way when what follows them is.
      await new Promise((resolve) => stdout.write('', resolve));
    },
  };
}
