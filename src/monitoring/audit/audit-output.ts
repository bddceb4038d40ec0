import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { destination } from 'pino';

/** Most of what waits to be written, in bytes: what comes while so much waits is lost. */
export const MAX_WAITING_BYTES = 4_194_304;

/** After a failed write, the next is tried so much later, in milliseconds, if no event comes before. */
const RETRY_MS = 1000;

/** How long the end of the process waits for what is not written yet, in milliseconds. */
const CLOSE_MS = 1000;

type Destination = ReturnType<typeof destination>;

/** A stream of pino that bounds what waits, and tells of what it drops before `write` returns. */
interface Stream {
  write(line: string): unknown;
  on(event: 'drop' | 'write', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/** Where audit events are written: to a file of their own, or among the lines of the log. */
export class AuditOutput {
  readonly #stream: Stream;
  readonly #file: Destination | undefined;
  /** Whether the line that is being written was dropped. */
  #isDropped = false;
  #isOver = false;

  private constructor(stream: Stream, file?: Destination) {
    this.#stream = stream;
    this.#file = file;
    stream.on('drop', () => {
      this.#isDropped = true;
    });
    this.onError(({ code }: NodeJS.ErrnoException) => {
      // Nobody reads the log any more, and pino writes nothing to it from now on.
      if (code === 'EPIPE') this.#isOver = true;
    });
  }

  /** Writes to the stream of the log. */
  static inLog(stream: Stream): AuditOutput {
    return new AuditOutput(stream);
  }

  /**
   * Appends to a file, in the background: a slow disk holds up no call. Rejects when the file cannot be opened.
   * @param path is made if it is not there; its directory must be
   */
  static async open(path: string): Promise<AuditOutput> {
    const options = { dest: path, sync: false, minLength: 1, maxLength: MAX_WAITING_BYTES, mode: 0o640 };
    const file = destination(options);
    await once(file, 'ready');
    // Pino calls it when the process exits, and it does not return while the disk is full.
    file.flushSync = () => undefined;
    const output = new AuditOutput(file, file);
    output.onError(() => {
      // It keeps what it could not write, and tries again only when it is told to, or with the next line.
      setTimeout(() => {
        if (!output.#isOver) file.flush();
      }, RETRY_MS).unref();
    });
    return output;
  }

  /** Takes a line; returns whether it did. One that it took is written in its turn, and again after a failure. */
  write(line: string): boolean {
    if (this.#isOver) return false;
    this.#isDropped = false;
    this.#stream.write(line);
    return !this.#isDropped;
  }

  /** Has a listener told of each write that failed, and of a file that could not be opened again. */
  onError(listener: (error: Error) => void): void {
    this.#stream.on('error', listener);
  }

  /** Has a listener told of each write that succeeded. */
  onWritten(listener: () => void): void {
    this.#stream.on('write', listener);
  }

  /** Opens the file anew, by its name, since somebody has moved it away. Returns whether there is one. */
  reopen(): boolean {
    this.#file?.reopen();
    return this.#file !== undefined;
  }

  /**
   * Takes no more lines, and writes those that it took.
   * @returns why they are not all written, if they are not: a write failed, or took longer than a second
   */
  async close(): Promise<Error | undefined> {
    const file = this.#file;
    if (!file || this.#isOver) return undefined;
    this.#isOver = true;
    const flushed = new Promise<Error | undefined>((resolve) => {
      file.flush((error) => {
        resolve(error ?? undefined);
      });
    });
    const late = sleep(CLOSE_MS, new Error(`not written in ${CLOSE_MS} ms`), { ref: false });
    const failure = await Promise.race([flushed, late]);
    file.destroy();
    return failure;
  }
}
