import { Client, StreamableHTTPClientTransport, type ClientOptions } from '@modelcontextprotocol/client';
import {
  Client as V1Client,
  type ClientOptions as V1ClientOptions,
} from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as V1Transport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

/** The protocol eras, as the v2 client names them. */
export const ERAS = ['2026-07-28', '2025-11-25'] as const;
export type Era = (typeof ERAS)[number];

const info = { name: 'test-client', version: '1.2.3' };

/** Connects the SDK's v2 client in an era. */
export async function connectClient(
  url: string,
  era: Era,
  options: ClientOptions & { readonly headers?: Record<string, string> } = {},
): Promise<{ client: Client; transport: StreamableHTTPClientTransport }> {
  const { headers = {}, ...rest } = options;
  const client = new Client(info, {
    versionNegotiation: { mode: era === '2026-07-28' ? { pin: era } : 'legacy' },
    ...rest,
  });
  const transport = new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit: { headers } });
  await client.connect(transport);
  return { client, transport };
}

/** Connects the SDK's v1 client, which speaks only the 2025 era. */
export async function connectV1Client(
  url: string,
  { headers = {}, ...options }: V1ClientOptions & { readonly headers?: Record<string, string> } = {},
): Promise<{ client: V1Client; transport: V1Transport }> {
  const client = new V1Client(info, options);
  const transport = new V1Transport(new URL(`${url}/mcp`), { requestInit: { headers } });
  await client.connect(transport);
  return { client, transport };
}
