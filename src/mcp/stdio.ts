import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio';
import type { SessionCloseReason } from '../monitoring/labels.ts';
import type { McpBinding } from './binding.ts';
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
  const servers = new ServerFactory(binding, 'stdio');
  const openedAt = binding.now();
  let sessions = 1;
  binding.monitoring.sessionOpened('stdio');
  const end = (reason: SessionCloseReason): void => {
    if (sessions === 0) return;
    sessions = 0;
    binding.monitoring.sessionClosed('stdio', reason, binding.now() - openedAt);
  };
  const transport = new StdioServerTransport();
  const handle = serveStdio(({ era }) => servers.create(era), { transport, onerror: binding.onError });
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
