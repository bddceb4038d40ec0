import {
  Client,
  ProtocolError,
  ProtocolErrorCode,
  type ClientContext,
  type jsonSchemaValidator,
} from '@modelcontextprotocol/client';
import { QUESTION } from './questions.ts';
import { relayResults } from './raw-results.ts';

export interface ClientSettings {
  readonly info: { readonly name: string; readonly version: string };
  /** The upstream's. */
  readonly name: string;
  /** Whether what a 2025-era upstream asks in the middle of a call can be put to somebody. */
  readonly canBeAsked?: boolean;
}

/** Makes the SDK's client of an upstream. */
export function createClient({ info, name, canBeAsked = false }: ClientSettings): Client {
  const client = new Client(info, {
    versionNegotiation: { mode: 'auto' },
    jsonSchemaValidator: noValidator,
    inputRequired: { autoFulfill: false },
    ...(canBeAsked && { capabilities: { elicitation: { form: {} } } }),
  });
  // Questions that can be put to somebody do not come here.
  client.fallbackRequestHandler = (
    { method }: { readonly method: string },
    _context: ClientContext,
  ): never => {
    throw new ProtocolError(
      ProtocolErrorCode.MethodNotFound,
      canBeAsked && method === QUESTION
        ? `nexus-mcp cannot tell for which call ${method} is: send it in the stream of its call`
        : `nexus-mcp does not pass ${method} on to who calls this tool here; by /servers/${name}/mcp it does`,
    );
  };
  relayResults(client);
  return client;
}

/** Without this every client would have a JSON Schema validator of its own, which is never asked. */
const noValidator: jsonSchemaValidator = {
  getValidator: () => () => ({ valid: true, data: undefined as never, errorMessage: undefined }),
};
