import type { Audit } from '../monitoring/audit/audit.ts';
import type { Door } from '../monitoring/door/door.ts';
import type { Recorder } from '../monitoring/metrics/recorder.ts';
import type { Tracing } from '../monitoring/traces/tracing.ts';
import type { ToolCall } from '../tools/call.ts';
import type { Catalogue } from '../tools/catalogue.ts';
import type { Quota } from '../tools/quota.ts';
import type { Executor } from '../tools/executor.ts';
import type { ChangingList } from './list-changes.ts';
import type { StateKeys } from './seal.ts';
import type { RequestState } from './request-state.ts';
import type { AnswerDelays } from './response-stream.ts';

/** What all servers and connections of the protocol binding share. */
export interface McpBinding {
  readonly info: { readonly name: string; readonly title: string; readonly version: string };
  readonly catalogue: Catalogue;
  readonly executor: Executor;
  /** With each tools/call that reached the executor it holds the call. */
  readonly door: Door<ToolCall>;
  readonly recorder: Recorder;
  /** Missing where decisions are not written. */
  readonly audit: Pick<Audit, 'sessionOpened'> | undefined;
  /** Missing when nothing is traced. */
  readonly tracing: Tracing | undefined;
  readonly requestState: RequestState;
  /** Whether answers depend on who asks, so that no shared cache may keep them. */
  readonly authenticated: boolean;
  /** The list of tools, where it can change while the server runs, so that clients are told. */
  readonly changingList: ChangingList | undefined;
  /** How long answers over HTTP wait. */
  readonly delays: AnswerDelays;
  readonly newRequestId: () => string;
  readonly randomBytes: (size: number) => Buffer;
  /** Monotonic, in seconds. */
  readonly now: () => number;
  /** In seconds of Unix time. */
  readonly unixTime: () => number;
  /** Seal what clients carry. */
  readonly stateKeys: StateKeys;
  /** What each client may ask for. */
  readonly quota: Quota;
  /** Told of what a client did wrong or did not wait for; the answers, if any, have said so. */
  readonly onProtocolError: (error: Error) => void;
  /** Told of errors that no client can be told of. */
  readonly onError: (error: Error) => void;
}
