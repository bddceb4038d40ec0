import type { ServerContext } from '@modelcontextprotocol/server';

/** What a tools/call says. */
export interface CallParams {
  readonly name: string;
  readonly arguments?: Record<string, unknown> | undefined;
}

/** What a call needs of what the SDK knows of its request. */
export interface CallContext {
  readonly sessionId?: string;
  readonly mcpReq: Pick<
    ServerContext['mcpReq'],
    '_meta' | 'signal' | 'inputResponses' | 'requestState' | 'notify' | 'log'
  >;
  readonly http?: Pick<NonNullable<ServerContext['http']>, 'authInfo' | 'closeSSE'> | undefined;
}
