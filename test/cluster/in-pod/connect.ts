import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

export type Era = '2026-07-28' | '2025-11-25';

/** Connects the SDK's client in an era. */
export async function connect(url: string, era: Era, token?: string): Promise<Client> {
  const client = new Client(
    { name: 'client-in-the-cluster', version: '1.0.0' },
    { versionNegotiation: { mode: era === '2026-07-28' ? { pin: era } : 'legacy' } },
  );
  const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};
  await client.connect(
    new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit: { headers } }),
  );
  return client;
}
