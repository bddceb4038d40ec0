import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { CallRequest } from './requests.ts';

const CONNECTIONS = 16;

/**
 * Makes calls of a server, as many at a time as there are connections, which stay open. It does little more than write and
 * compare, so that the server is what bounds it.
 */
export class Load {
  readonly #url: URL;
  readonly #request: CallRequest;
  readonly #head: string;
  readonly #connections: number;
  #lines: Line[] = [];
  #lastId = 0;

  /** @param connections how many calls are made at a time */
  constructor(url: string, request: CallRequest, connections = CONNECTIONS) {
    this.#connections = connections;
    this.#url = new URL(url);
    this.#request = request;
    const headers = {
      host: this.#url.host,
      ...request.headers,
      'content-length': this.#nextBody().length,
    };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    this.#head = `POST ${request.path} HTTP/1.1\r\n${lines.join('')}\r\n`;
  }

  /** Opens the connections that are not open, with a call on each. */
  async open(): Promise<void> {
    const { hostname, port } = this.#url;
    const open = this.#lines.filter(({ isOpen }) => isOpen);
    const opened = Array.from({ length: this.#connections - open.length }, async () => {
      const line = new Line(hostname, Number(port), this.#request.expected);
      await line.opened;
      await line.call(this.#next());
      return line;
    });
    this.#lines = [...open, ...(await Promise.all(opened))];
  }

  /** Makes so many calls; resolves when all have the right answer. */
  async run(calls: number): Promise<void> {
    let left = calls;
    const work = async (line: Line): Promise<void> => {
      while (left > 0) {
        left -= 1;
        await line.call(this.#next());
      }
    };
    await Promise.all(this.#lines.map(work));
  }

  /** Makes one call, on the connection that waited for longest. */
  async one(): Promise<void> {
    const line = this.#lines.shift();
    if (!line) throw new Error('there are more calls at a time than connections');
    await line.call(this.#next());
    this.#lines.push(line);
  }

  close(): void {
    for (const line of this.#lines) line.close();
  }

  #next(): string {
    return this.#head + this.#nextBody();
  }

  /** Always of the same length. */
  #nextBody(): string {
    this.#lastId += 1;
    return this.#request.body.replace('[<id>]', `id-${String(this.#lastId).padStart(9, '0')}`);
  }
}

/** What is read at a time, in bytes. */
const READ = 65_536;

/** A connection, with one call at a time. It makes no garbage of what it reads: a collection would be a slow call. */
class Line {
  readonly opened: Promise<unknown>;
  readonly #socket: Socket;
  readonly #expected: string;
  /** The answer so far, in the first bytes. */
  #received = Buffer.alloc(READ);
  #size = 0;
  /** How long the answer is that comes, once that is known. */
  #length: number | undefined;
  #done: PromiseWithResolvers<void> | undefined;

  /** @param expected what each answer contains */
  constructor(host: string, port: number, expected: string) {
    this.#expected = expected;
    const callback = (count: number, buffer: Uint8Array): boolean => {
      this.#receive(count, buffer);
      return true;
    };
    const onread = { buffer: Buffer.alloc(READ), callback };
    this.#socket = connect({ host, port, noDelay: true, onread });
    this.opened = once(this.#socket, 'connect');
    this.#socket.on('error', (error) => this.#done?.reject(error));
    this.#socket.on('close', () => this.#done?.reject(new Error('the server closed the connection')));
  }

  get isOpen(): boolean {
    return this.#socket.readyState === 'open';
  }

  call(request: string): Promise<void> {
    this.#done = Promise.withResolvers();
    this.#socket.write(request, 'latin1');
    return this.#done.promise;
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(count: number, chunk: Uint8Array): void {
    if (this.#size + count > this.#received.length)
      this.#received = Buffer.concat([this.#received, Buffer.alloc(this.#received.length + count)]);
    this.#received.set(chunk.subarray(0, count), this.#size);
    this.#size += count;
    const received = this.#received.subarray(0, this.#size);
    this.#length ??= lengthOf(received);
    if (this.#length !== undefined && this.#size >= this.#length) this.#settle(received);
  }

  #settle(answer: Buffer): void {
    const done = this.#done;
    this.#size = 0;
    this.#length = undefined;
    this.#done = undefined;
    if (answer.indexOf('HTTP/1.1 200') === 0 && answer.includes(this.#expected)) done?.resolve();
    else done?.reject(new Error(`a call was answered with ${answer.toString('latin1')}`));
  }
}

const LENGTH = /\r\ncontent-length: (\d+)\r\n/i;
const LAST_CHUNK = '\r\n0\r\n\r\n';

/** How long an answer is: as its header says, or as it is when the chunk that ends it has come. */
function lengthOf(answer: Buffer): number | undefined {
  const end = answer.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const length = LENGTH.exec(answer.toString('latin1', 0, end + 2))?.[1];
  if (length !== undefined) return end + 4 + Number(length);
  return answer.toString('latin1', answer.length - LAST_CHUNK.length) === LAST_CHUNK
    ? answer.length
    : undefined;
}
