import type { Client, StandardSchemaV1 } from '@modelcontextprotocol/client';

/** Any result: it is relayed, and who relays it looks at it. */
export const ANY: StandardSchemaV1 = {
  '~standard': { version: 1, vendor: 'nexus-mcp', validate: (value) => ({ value }) },
};

/** Has the results of calls pass as they are: the SDK would leave out what it does not know. */
export function relayResults(client: Client): void {
  const request = client.request.bind(client) as (...args: readonly unknown[]) => Promise<unknown>;
  const relaying = (message: { readonly method: string }, ...options: readonly unknown[]) =>
    message.method === 'tools/call' ? request(message, ANY, ...options) : request(message, ...options);
  Object.assign(client, { request: relaying });
}
