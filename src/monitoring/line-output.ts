import { write, writeSync } from 'node:fs';
import type { Writable } from 'node:stream';

/** Most of what waits to be written, in bytes: a line that comes while so much waits is refused. */
export const MAX_WAITING_BYTES = 4_194_304;

/** After a failure the next try is so much later, in milliseconds. */
export const RETRY_MS = 1000;

/** How long the end of the process waits for what is not written yet, in milliseconds. */
const FLUSH_MS = 1000;

/** As much is written at a time, in bytes, unless one line is longer. */
const CHUNK_BYTES = 65_536;

const NEWLINE = 10;

type Done = (error: NodeJS.ErrnoException | null, written?: number) => void;

/** Writes a part of a chunk at least, or fails. May call `done` before it returns. */
export type Sink = (chunk: Buffer, done: Done) => void;

/** Is told how writing goes. */
export interface WriteObserver {
  /** After each try that failed. What was not written waits, and is tried again in a second. */
  readonly failed: (error: Error) => void;
  /** After each write that succeeded. */
  readonly written: () => void;
}

/** Nothing can be written there any more. */
const IS_FINAL = new Set(['EPIPE', 'ECONNRESET', 'ERR_STREAM_DESTROYED', 'ERR_STREAM_WRITE_AFTER_END']);

/** Writes lines in their order, one write at a time, and bounds what waits. */
export class LineOutput {
  #sink: Sink;
  readonly #gatherMs: number;
  readonly #observers: Partial<WriteObserver>[] = [];
  #lines: string[] = [];
  /** What is being written: whole lines, of which so many bytes are written already. */
  #chunk = Buffer.alloc(0);
  #written = 0;
  #waitingBytes = 0;
  #isWriting = false;
  #isOver = false;
  /** Until then nothing is written. */
  #pause: NodeJS.Timeout | undefined;
  #lastError: Error | undefined;
  #next: { readonly sink: Sink; readonly switched: () => void } | undefined;
  #flushes: ((error: Error | undefined) => void)[] = [];

  /** @param gatherMs after a write, lines are gathered for so long before the next one, in milliseconds, unless there are many */
  constructor(sink: Sink, gatherMs = 0) {
    this.#sink = sink;
    this.#gatherMs = gatherMs;
  }

  /** Whether the last try failed. */
  get isFailing(): boolean {
    return this.#lastError !== undefined;
  }

  observe(observer: Partial<WriteObserver>): void {
    this.#observers.push(observer);
  }

  /**
   * Takes a line with its end; returns whether there was room. It is written in its turn, and tried again after a failure.
   * @param room how much may wait with it, in bytes
   */
  write(line: string, room = MAX_WAITING_BYTES): boolean {
    const bytes = Buffer.byteLength(line);
    if (this.#isOver || this.#waitingBytes + bytes > room) return false;
    this.#waitingBytes += bytes;
    this.#lines.push(line);
    if (!this.#pause) this.#write();
    return true;
  }

  /** Writes elsewhere from the next line on; a line of which a part is written is written there as a whole. */
  switchTo(sink: Sink): Promise<void> {
    return new Promise((switched) => {
      this.#next = { sink, switched };
      this.#tryNow();
    });
  }

  /**
   * Waits for what is not written yet.
   * @returns why it is not all written, if it is not: a write failed, or took longer than a second
   */
  flush(): Promise<Error | undefined> {
    return new Promise((resolve) => {
      const late = setTimeout(resolve, FLUSH_MS, new Error(`not written in ${FLUSH_MS} ms`));
      this.#flushes.push((error) => {
        clearTimeout(late);
        resolve(error);
      });
      this.#tryNow();
    });
  }

  #tryNow(): void {
    clearTimeout(this.#pause);
    this.#pause = undefined;
    this.#write();
  }

  #tryIn(milliseconds: number): void {
    this.#pause = setTimeout(() => {
      this.#tryNow();
    }, milliseconds).unref();
  }

  #write(): void {
    if (this.#isWriting) return;
    if (this.#next) this.#switch(this.#next);
    if (this.#written === this.#chunk.length) this.#chunk = this.#nextChunk();
    if (this.#chunk.length === 0) {
      this.#flushed();
      return;
    }
    this.#isWriting = true;
    this.#sink(this.#chunk.subarray(this.#written), (error, written = 0) => {
      this.#isWriting = false;
      if (error) this.#failed(error);
      else this.#wrote(written);
    });
  }

  #switch({ sink, switched }: { readonly sink: Sink; readonly switched: () => void }): void {
    this.#next = undefined;
    this.#sink = sink;
    const lineStart = this.#written === 0 ? 0 : this.#chunk.lastIndexOf(NEWLINE, this.#written - 1) + 1;
    this.#waitingBytes += this.#written - lineStart;
    this.#written = lineStart;
    switched();
  }

  #nextChunk(): Buffer<ArrayBuffer> {
    this.#written = 0;
    let [bytes, count] = [0, 0];
    while (count < this.#lines.length && bytes < CHUNK_BYTES) {
      bytes += Buffer.byteLength(this.#lines[count] ?? '');
      count += 1;
    }
    return Buffer.from(this.#lines.splice(0, count).join(''));
  }

  #wrote(bytes: number): void {
    this.#written += bytes;
    this.#waitingBytes -= bytes;
    this.#lastError = undefined;
    for (const { written } of this.#observers) written?.();
    const isUrgent = this.#flushes.length > 0 || this.#waitingBytes >= CHUNK_BYTES;
    if (this.#gatherMs > 0 && !isUrgent) this.#tryIn(this.#gatherMs);
    else this.#write();
  }

  #failed(error: NodeJS.ErrnoException): void {
    this.#lastError = error;
    if (IS_FINAL.has(error.code ?? '')) this.#giveUp();
    for (const { failed } of this.#observers) failed?.(error);
    this.#flushed(error);
    if (this.#next) this.#tryNow();
    else this.#tryIn(RETRY_MS);
  }

  #giveUp(): void {
    this.#isOver = true;
    this.#lines = [];
    this.#chunk = Buffer.alloc(0);
    [this.#written, this.#waitingBytes] = [0, 0];
  }

  #flushed(error?: Error): void {
    for (const flushed of this.#flushes.splice(0)) flushed(error);
  }
}

/** Appends to an open file in the background. */
export const toFile =
  (fd: number): Sink =>
  (chunk, done) => {
    write(fd, chunk, done);
  };

/**
 * Writes to stdout or stderr. Where a pipe or a socket has a reader that may not read, what it does not take waits; a write to a
 * file or a terminal is done when it returns, so that a process which ends at once has written it.
 * @param stream that of the pipe or socket, if it is one
 */
export function toStandard(fd: number, stream?: Writable): Sink {
  if (!stream)
    return (chunk, done) => {
      try {
        done(null, writeSync(fd, chunk));
      } catch (error) {
        done(error as NodeJS.ErrnoException);
      }
    };
  return (chunk, done) => {
    let isDone = false;
    const end = (error?: Error | null): void => {
      if (isDone) return;
      isDone = true;
      done(error ?? null, chunk.length);
    };
    stream.write(chunk, end);
    // The system has taken all of it. What comes next is written at once as well.
    if (stream.writableLength === 0 && !stream.errored) end();
  };
}
