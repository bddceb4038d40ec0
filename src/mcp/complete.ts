import { SERVER_INFO_META_KEY, type Implementation } from '@modelcontextprotocol/server';

/** A result with what every result says besides (MCP 2026-07-28, "Result"): that it is complete, and whose it is. */
export const complete = <Result extends object>(
  result: Result & { readonly _meta?: object | undefined },
  info: Implementation,
): Result & { readonly resultType: 'complete' } => ({
  ...result,
  resultType: 'complete',
  _meta: { ...result._meta, [SERVER_INFO_META_KEY]: info },
});
