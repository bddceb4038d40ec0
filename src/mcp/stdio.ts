import type { Server } from '@modelcontextprotocol/server';
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio';
import { onConnected, reenter } from '../monitoring/door-adapter.ts';
import type { SessionCloseReason } from '../monitoring/labels.ts';
import type { McpBinding } from './binding.ts';
import { observe } from './observe.ts';
import { ServerFactory } from './server.ts';

/** One client on stdin and stdout. */
export interface StdioConnection {
  /** 1 while the client is connected, then 0: the connection is the session. */
  readonly sessions: number;
  /** Resolves when the client has hung up. */
  readonly ended: Promise<void>;
  close(): Promise<void>;
}

/** Serves MCP over stdio, in whichever era the client speaks. Nothing else may write to stdout. */
export function connectStdio(binding: McpBinding): StdioConnection {
  const { recorder, now } = binding;
  const servers = new ServerFactory(binding, 'stdio');
  const openedAt = now();
  let sessions = 1;
  recorder.sessionOpened('stdio');
  const transport = new StdioServerTransport();
  const create = ({ era }: { readonly era: 'legacy' | 'modern' }): Server => {
    const server = servers.create(era);
    onConnected(server, (channel) => {
      reenter(channel, connection);
    });
    return server;
  };
  const handle = serveStdio(create, { transport, onerror: binding.onError });
  // Outside of what the SDK does: it answers some requests itself.
  const connection = observe(transport, 'stdio', binding);
  const end = (reason: SessionCloseReason): void => {
    if (sessions === 0) return;
    sessions = 0;
    recorder.sessionClosed('stdio', reason, now() - openedAt, connection.peer.revision);
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
      return sessions;
    },
    ended,
    async close() {
      end('shutdown');
      await handle.close();
    },
  };
}
