import { close, constants, fstat, open } from 'node:fs';
import { promisify } from 'node:util';
import { LineOutput, MAX_WAITING_BYTES, RETRY_MS, toFile, type Sink } from '../line-output.ts';

/** Of the log, in bytes: its other lines take no more than their own, so that they leave as much for events. */
const ROOM_IN_LOG = 2 * MAX_WAITING_BYTES;

/** Into a file, the events of so many milliseconds are written together: a write takes as much CPU time as a small call. */
const GATHER_MS = 5;

/** Is told how writing goes. */
export interface OutputObserver {
  /** After each try that failed, to write or to open the file again; it is tried again in a second. */
  readonly failed: (error: Error, what: 'write' | 'reopen') => void;
  /** After each write that succeeded, while the file is not to be opened again. */
  readonly well: () => void;
  /** The file that is written from now on was opened after {@link AuditOutput.reopen}. */
  readonly reopened: () => void;
}

interface File {
  readonly path: string;
  /** Writes to the file when it is open. */
  readonly sinkOf: (fd: number) => Sink;
}

/** Where audit events are written: to a file of their own, or among the lines of the log. */
export class AuditOutput {
  readonly #lines: LineOutput;
  readonly #file: File | undefined;
  #fd: number | undefined;
  #observer: OutputObserver | undefined;
  #isReopenDue = false;
  #isReopening = false;
  #retry: NodeJS.Timeout | undefined;
  #isClosed = false;
  #refusedAfterClose = 0;

  private constructor(lines: LineOutput, file?: File, fd?: number) {
    this.#lines = lines;
    this.#file = file;
    this.#fd = fd;
    lines.observe({
      failed: (error) => this.#observer?.failed(error, 'write'),
      written: () => {
        if (!this.#isReopenDue) this.#observer?.well();
      },
    });
  }

  /** Writes among the lines of the log. */
  static inLog(lines: LineOutput): AuditOutput {
    return new AuditOutput(lines);
  }

  /**
   * Appends to a file, in the background: a slow disk holds up no call. Rejects when there is no regular file, and none can be made.
   * @param path is made if it is not there; its directory must be
   * @param sinkOf writes to an open file
   */
  static async open(path: string, sinkOf: (fd: number) => Sink = toFile): Promise<AuditOutput> {
    const fd = await openToAppend(path);
    return new AuditOutput(new LineOutput(sinkOf(fd), GATHER_MS), { path, sinkOf }, fd);
  }

  /** How many lines came when it was closed, and are lost. */
  get refusedAfterClose(): number {
    return this.#refusedAfterClose;
  }

  /** Takes a line; returns whether it did. One that it took is written in its turn, and again after a failure. */
  write(line: string): boolean {
    if (!this.#isClosed) return this.#lines.write(line, this.#file ? MAX_WAITING_BYTES : ROOM_IN_LOG);
    this.#refusedAfterClose += 1;
    return false;
  }

  observe(observer: OutputObserver): void {
    this.#observer = observer;
  }

  /**
   * Opens the file anew, by its name, since somebody has moved it away, and tries so each second until it is open; till then the old
   * one is written. Returns whether there is a file.
   */
  reopen(): boolean {
    this.#isReopenDue = this.#file !== undefined;
    void this.#reopen();
    return this.#file !== undefined;
  }

  async #reopen(): Promise<void> {
    const file = this.#file;
    if (!file || !this.#isReopenDue || this.#isReopening || this.#isClosed) return;
    clearTimeout(this.#retry);
    this.#isReopening = true;
    this.#isReopenDue = false;
    const error = await this.#switchTo(file).catch((cause: unknown) => cause as Error);
    this.#isReopening = false;
    if (error) {
      this.#isReopenDue = true;
      this.#observer?.failed(error, 'reopen');
      this.#retry = setTimeout(() => void this.#reopen(), RETRY_MS).unref();
      return;
    }
    this.#observer?.reopened();
    if (!this.#lines.isFailing) this.#observer?.well();
    await this.#reopen();
  }

  async #switchTo({ path, sinkOf }: File): Promise<undefined> {
    const fd = await openToAppend(path);
    await this.#lines.switchTo(sinkOf(fd));
    const before = this.#fd;
    this.#fd = fd;
    if (before !== undefined)
      await closeFile(before).catch((error: unknown) => this.#observer?.failed(error as Error, 'write'));
  }

  /**
   * Takes no more lines, and writes those that it took.
   * @returns why they are not all written, if they are not: a write failed, or took longer than a second
   */
  async close(): Promise<Error | undefined> {
    if (this.#isClosed) return undefined;
    this.#isClosed = true;
    const failure = await this.#lines.flush();
    const fd = this.#fd;
    this.#fd = undefined;
    // A write that hangs still has it.
    if (failure || fd === undefined) return failure;
    return closeFile(fd).then(
      () => undefined,
      (error: unknown) => error as Error,
    );
  }
}

const openFile = promisify(open);
const closeFile = promisify(close);
const statFile = promisify(fstat);

/** Opens a regular file. It does not wait for the reader of what is a pipe. */
async function openToAppend(path: string): Promise<number> {
  const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK } = constants;
  const fd = await openFile(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, 0o640);
  const found = await statFile(fd);
  if (found.isFile()) return fd;
  await closeFile(fd);
  throw new Error(`${path} is not a regular file`);
}
