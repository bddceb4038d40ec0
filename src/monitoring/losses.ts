import type { WorkerRestartReason } from '../tools/reasons.ts';
import { describeThrown } from './describe-thrown.ts';
import { FoldedLines, type Line, type LineLogger } from './folded-lines.ts';
import type { ConnectionCutReason } from './metrics/labels.ts';
import type { Recorder } from './metrics/recorder.ts';

/** What the server lost or gave up: counted, and logged, folded when it is much. */
export class Losses {
  readonly #recorder: Recorder;
  readonly #lines: FoldedLines;

  /** @param foldSeconds time within which losses that are alike are folded; 0 for never */
  constructor(recorder: Recorder, logger: LineLogger, foldSeconds: number) {
    this.#recorder = recorder;
    this.#lines = new FoldedLines(logger, foldSeconds);
  }

  /**
   * A worker thread was lost, and is replaced.
   * @param lost the call that was lost with it, if one was, and what is known of why
   */
  readonly thread = (
    reason: WorkerRestartReason,
    { tool, error }: { readonly tool: string | undefined; readonly error: unknown },
  ): void => {
    this.#recorder.workerRestarted(reason);
    this.#warn('worker thread replaced', 'worker threads', [reason, tool], () => {
      const err = error === undefined ? undefined : describeThrown(error);
      return { reason, tool, err };
    });
  };

  /** A connection was cut, or refused, for what its client did. */
  readonly connection = (reason: ConnectionCutReason, address: string | undefined): void => {
    this.#recorder.connectionCut(reason);
    this.#warn('connection cut', 'connections', [reason], () => ({ reason, address }));
  };

  #warn(message: string, many: string, likeness: readonly unknown[], describe: () => Line): void {
    const kind = JSON.stringify([message, ...likeness]);
    this.#lines.log({ kind, level: 'warn', message, many }, describe);
  }

  /** Logs those that are being folded now. */
  flush(): void {
    this.#lines.flush();
  }
}
