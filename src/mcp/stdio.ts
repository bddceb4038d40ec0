import type { Server } from '@modelcontextprotocol/server';
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio';
import { onConnected, runAsReceived } from '../monitoring/door/door-adapter.ts';
import type { SessionCloseReason } from '../monitoring/metrics/labels.ts';
import { LiveSessions } from '../monitoring/live-sessions.ts';
import type { McpBinding } from './binding.ts';
import { connectDoor } from './connect-door.ts';
import { ServerFactory } from './server.ts';

/** One client on stdin and stdout. */
export interface StdioConnection {
  /** 1 while the client is connected, then 0: the connection is the session. */
  readonly sessions: number;
  /** Resolves when the client has hung up. */
  readonly ended: Promise<void>;
  close(): Promise<void>;
}

/**
 * Serves MCP over stdio, in whichever era the client speaks. Nothing else may write to stdout.
 * @param maxSubscriptions most subscriptions/listen streams open at a time
 */
export function connectStdio(
  binding: McpBinding,
  { maxSubscriptions }: { readonly maxSubscriptions: number },
): StdioConnection {
  const { recorder, now } = binding;
  const servers = new ServerFactory(binding, 'stdio');
  const live = new LiveSessions(recorder, now);
  const endSession = live.begin('stdio');
  const transport = new StdioServerTransport();
  const create = ({ era }: { readonly era: 'legacy' | 'modern' }): Server => {
    const server = servers.create(era);
    onConnected(server, (channel) => {
      runAsReceived(channel, connection);
    });
    return server;
  };
  const handle = serveStdio(create, { transport, maxSubscriptions, onerror: binding.onError });
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
      end('shutdown');
      await handle.close();
    },
  };
}
