import { ask, quote, type ProbeAnswer } from './request.ts';

/** The eras of MCP: a released revision of each. */
export const ERAS = ['2026-07-28', '2025-11-25'] as const;
export type Era = (typeof ERAS)[number];

/** What a check found, in words for the operator. */
export type Answered<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: string };

const fail = (problem: string): { readonly ok: false; readonly problem: string } => ({ ok: false, problem });

/** A tool as `tools/list` tells of it. */
export interface ListedTool {
  readonly name: string;
  readonly annotations?: { readonly readOnlyHint?: boolean };
}

type Params = Record<string, unknown>;

interface Message {
  readonly id?: unknown;
  readonly result?: Params;
  readonly error?: { readonly code?: number; readonly message?: string };
}

const MAX_PAGES = 100;

/**
 * Just enough of an MCP client to probe with. The SDK's would reuse connections, and say less of what is wrong.
 */
export class McpProbe {
  readonly #url: URL;
  readonly #era: Era;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #client: { readonly name: string; readonly version: string };
  readonly #signal: AbortSignal;
  #session: string | undefined;
  #nextId = 1;

  constructor(
    url: URL,
    era: Era,
    options: {
      readonly headers: Readonly<Record<string, string>>;
      readonly version: string;
      readonly signal: AbortSignal;
    },
  ) {
    this.#url = url;
    this.#era = era;
    this.#headers = options.headers;
    this.#client = { name: 'nexus-mcp-probe', version: options.version };
    this.#signal = options.signal;
  }

  /** Begins a session, where the era has them. */
  async open(): Promise<Answered<undefined>> {
    if (this.#era === '2026-07-28') return { ok: true, value: undefined };
    const params = { protocolVersion: this.#era, capabilities: {}, clientInfo: this.#client };
    const opened = await this.#request('initialize', params);
    if (!opened.ok) return opened;
    const { result, answer } = opened.value;
    if (result['protocolVersion'] !== this.#era)
      return fail(
        `the server chose version ${quote(String(result['protocolVersion']))}; it does not speak this one`,
      );
    this.#session = answer.headers['mcp-session-id']?.toString();
    if (this.#session === undefined) return fail('the server began no session (no Mcp-Session-Id header)');
    const notified = await this.#post({ jsonrpc: '2.0', method: 'notifications/initialized' });
    if (!notified.ok) return notified;
    return notified.value.status < 300 ? { ok: true, value: undefined } : this.#refused(notified.value);
  }

  async listTools(): Promise<Answered<readonly ListedTool[]>> {
    const tools: ListedTool[] = [];
    let cursor: unknown;
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const listed = await this.#request('tools/list', cursor === undefined ? {} : { cursor });
      if (!listed.ok) return listed;
      const { tools: some, nextCursor } = listed.value.result;
      if (!Array.isArray(some)) return fail('the answer to tools/list has no list of tools');
      tools.push(...(some as ListedTool[]));
      cursor = nextCursor;
      if (cursor === undefined) break;
    }
    return { ok: true, value: tools };
  }

  async call(tool: string, args: Readonly<Record<string, unknown>>): Promise<Answered<undefined>> {
    const called = await this.#request('tools/call', { name: tool, arguments: args }, { 'mcp-name': tool });
    if (!called.ok) return called;
    const { result } = called.value;
    if (result['isError'] === true) return fail(`${tool} failed: ${failureOf(result)}`);
    if (result['resultType'] === 'input_required')
      return fail(`${tool} asks its user for input; choose another with --tool`);
    if (!Array.isArray(result['content'])) return fail(`the answer to a call of ${tool} has no content`);
    return { ok: true, value: undefined };
  }

  /** Ends the session, if there is one. */
  async close(): Promise<Answered<undefined>> {
    if (this.#session === undefined) return { ok: true, value: undefined };
    const headers = this.#allHeaders();
    const closed = await ask(this.#url, { method: 'DELETE', headers, signal: this.#signal });
    if (!closed.ok) return closed;
    return closed.answer.status < 300 ? { ok: true, value: undefined } : this.#refused(closed.answer);
  }

  async #request(
    method: string,
    params: Params,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answered<{ result: Params; answer: ProbeAnswer }>> {
    const id = this.#nextId;
    this.#nextId += 1;
    const posted = await this.#post({ jsonrpc: '2.0', id, method, params: this.#withMeta(params) }, headers);
    if (!posted.ok) return posted;
    const answer = posted.value;
    const message = messagesOf(answer).find((candidate) => candidate.id === id);
    if (message?.error) {
      const { code, message: text = '' } = message.error;
      return fail(`the answer to ${method} is the error ${String(code)}: ${quote(text)}`);
    }
    if (message?.result) return { ok: true, value: { result: message.result, answer } };
    return this.#refused(answer);
  }

  async #post(
    message: object,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answered<ProbeAnswer>> {
    const method = 'method' in message ? String(message.method) : '';
    const posted = await ask(this.#url, {
      method: 'POST',
      headers: {
        ...this.#allHeaders(),
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        // MCP 2026-07-28, "Streamable HTTP": what routers need to know of the body.
        ...(this.#era === '2026-07-28' && { 'mcp-method': method, ...headers }),
      },
      body: JSON.stringify(message),
      signal: this.#signal,
    });
    return posted.ok ? { ok: true, value: posted.answer } : posted;
  }

  #allHeaders(): Record<string, string> {
    return {
      ...this.#headers,
      ...((this.#era === '2026-07-28' || this.#session !== undefined) && {
        'mcp-protocol-version': this.#era,
      }),
      ...(this.#session !== undefined && { 'mcp-session-id': this.#session }),
    };
  }

  #withMeta(params: Params): Params {
    if (this.#era !== '2026-07-28') return params;
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': this.#era,
      'io.modelcontextprotocol/clientCapabilities': {},
      'io.modelcontextprotocol/clientInfo': this.#client,
    };
    return { ...params, _meta };
  }

  /** Says why an answer is not that of an MCP server to a request that is in order. */
  #refused(answer: ProbeAnswer): { readonly ok: false; readonly problem: string } {
    const { status, headers } = answer;
    const where = `${this.#url.href} answers ${status}`;
    const [message] = messagesOf(answer);
    const said = message?.error?.message === undefined ? '' : `: ${quote(message.error.message)}`;
    if (status === 401)
      return fail(
        `${where}${said}; ${'authorization' in this.#headers ? 'is the token right?' : 'give one in --token-file or NEXUS_PROBE_TOKEN'}`,
      );
    if (status === 404 && this.#session !== undefined)
      return fail(
        `${where}${said}; replicas serve one another's sessions only if all have the same sessions.stateKeyFile`,
      );
    if (status >= 300 && status < 400)
      return fail(`${where} and points to ${quote(String(headers.location))}; give that address`);
    if (said !== '') return fail(`${where}${said}`);
    const type = quote(headers['content-type'] ?? 'no content type');
    return fail(`${where} with ${type}, so it is no MCP server; give the address of a server, without /mcp`);
  }
}

/** The JSON-RPC messages of an answer, from JSON or from an event stream; none, when it is something else. */
function messagesOf({ headers, text }: ProbeAnswer): readonly Message[] {
  const type = headers['content-type'] ?? '';
  const texts = type.startsWith('text/event-stream')
    ? text.split(/\r?\n\r?\n/).map((event) =>
        event
          .split(/\r?\n/)
          .filter((line) => line.startsWith('data:'))
          .map((line) => line.slice('data:'.length).trimStart())
          .join('\n'),
      )
    : [text];
  return texts.flatMap((json) => {
    try {
      const value: unknown = JSON.parse(json);
      return typeof value === 'object' && value !== null ? [value] : [];
    } catch {
      return [];
    }
  });
}

function failureOf({ content }: Params): string {
  const [block] = Array.isArray(content) ? (content as { text?: unknown }[]) : [];
  return typeof block?.text === 'string' ? quote(block.text) : 'it does not say why';
}
