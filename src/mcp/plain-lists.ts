import type { ServerResponse } from 'node:http';
import type { AuthInfo } from '@modelcontextprotocol/server';
import type { Caller } from '../authorization/caller.ts';
import { visibleTo } from '../authorization/rights.ts';
import type { ConnectionOptions } from '../monitoring/door/connection.ts';
import type { ToolCall } from '../tools/call.ts';
import type { OfferedTool } from '../tools/offered-tool.ts';
import type { McpBinding } from './binding.ts';
import { complete } from './complete.ts';
import { connectionOptions, nowhere } from './connect-door.ts';
import { hintsOf } from './list-changes.ts';
import type { PlainList } from './plain-request.ts';
import { senderIn } from './sender.ts';

/**
 * Answers plain requests for the list of tools, a long answer. The text of all tools is written once, and again when there are others:
 * clients that may use all of them get the same bytes.
 */
export class PlainLists {
  readonly #binding: McpBinding;
  readonly #doorOptions: ConnectionOptions<ToolCall>;
  #written: { readonly tools: readonly OfferedTool[]; readonly text: Buffer } | undefined;

  constructor(binding: McpBinding) {
    this.#binding = binding;
    this.#doorOptions = connectionOptions(nowhere, { transport: 'http' }, binding);
  }

  serve({ id, ...request }: PlainList, response: ServerResponse, authInfo: AuthInfo): void {
    const { door, info, newRequestId } = this.#binding;
    const connection = door.connect(this.#doorOptions);
    const pending = connection.begin({ id, ...request }, { authInfo });
    if (response.destroyed) {
      connection.close();
      return;
    }
    const { caller } = senderIn(authInfo, 'http', newRequestId);
    const rest = complete(hintsOf(this.#binding), info);
    const parts = [
      Buffer.from('{"result":{"tools":'),
      this.#textFor(caller),
      Buffer.from(`,${JSON.stringify(rest).slice(1)},"jsonrpc":"2.0","id":${JSON.stringify(id)}}`),
    ];
    if (pending) connection.answer(pending, { id, result: rest });
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': length });
    // All of it in one write.
    response.cork();
    for (const part of parts) response.write(part);
    response.end();
  }

  #textFor(caller: Caller): Buffer {
    const { tools } = this.#binding.catalogue;
    const visible = visibleTo(caller, tools);
    if (visible.length < tools.length) return textOf(visible);
    if (this.#written?.tools !== tools) this.#written = { tools, text: textOf(tools) };
    return this.#written.text;
  }
}

const textOf = (tools: readonly OfferedTool[]): Buffer =>
  Buffer.from(JSON.stringify(tools.map(({ listing }) => listing)));
