const HEADERS = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };

export type Body = Readonly<Record<string, unknown>> | readonly unknown[];

export const initialize = (
  capabilities: object = {},
  { protocolVersion = '2025-11-25', name = 'raw', version = '1' } = {},
) => ({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion, capabilities, clientInfo: { name, version } },
});

/** Posts a message to a server, in a session if one is named. */
export const post = (
  url: string,
  body: Body,
  session?: string,
  { headers, ...init }: Omit<RequestInit, 'headers'> & { headers?: Record<string, string> } = {},
): Promise<Response> =>
  fetch(`${url}/mcp`, {
    method: 'POST',
    ...init,
    headers: { ...HEADERS, ...(session !== undefined && { 'mcp-session-id': session }), ...headers },
    body: JSON.stringify(body),
  });

/** Opens a session and returns its id. */
export async function openSession(url: string, ...how: Parameters<typeof initialize>): Promise<string> {
  const response = await post(url, initialize(...how));
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
  await response.text();
  return response.headers.get('mcp-session-id') ?? '';
}

export const deleteSession = (url: string, session: string): Promise<Response> =>
  fetch(`${url}/mcp`, { method: 'DELETE', headers: { ...HEADERS, 'mcp-session-id': session } });

export const call = (id: number | string, name: string, args: object = {}) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name, arguments: args },
});

export const list = (id: number) => ({ jsonrpc: '2.0', id, method: 'tools/list' });

/** The messages that an answer streams, as they come. */
export async function* messagesOf(response: Response): AsyncGenerator<Record<string, unknown>> {
  let text = '';
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk;
    const events = text.split('\n\n');
    text = events.pop() ?? '';
    for (const event of events) {
      const data = /^data: (.+)$/m.exec(event)?.[1];
      if (data !== undefined) yield JSON.parse(data) as Record<string, unknown>;
    }
  }
}
