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
      const socket = connect({ host: hostname, port: Number(port), noDelay: true });
      await once(socket, 'connect');
      const line = new Line(socket, this.#request.expected);
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

/** A connection, with one call at a time. */
class Line {
  readonly #socket: Socket;
  readonly #expected: string;
  #received = '';
  /** How long the answer is that comes, once that is known. */
  #length: number | undefined;
  #done: PromiseWithResolvers<void> | undefined;

  /** @param expected what each answer contains */
  constructor(socket: Socket, expected: string) {
    this.#socket = socket;
    this.#expected = expected;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.#received += text;
      this.#length ??= lengthOf(this.#received);
      if (this.#length !== undefined && this.#received.length >= this.#length) this.#settle();
    });
    socket.on('error', (error) => this.#done?.reject(error));
    socket.on('close', () => this.#done?.reject(new Error('the server closed the connection')));
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

  #settle(): void {
    const answer = this.#received;
    const done = this.#done;
    this.#received = '';
    this.#length = undefined;
    this.#done = undefined;
    if (answer.startsWith('HTTP/1.1 200') && answer.includes(this.#expected)) done?.resolve();
    else done?.reject(new Error(`a call was answered with ${answer}`));
  }
}

const LENGTH = /\r\ncontent-length: (\d+)\r\n/i;

/** How long an answer is: as its header says, or as it is when the chunk that ends it has come. */
function lengthOf(answer: string): number | undefined {
  const end = answer.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const length = LENGTH.exec(answer.slice(0, end + 2))?.[1];
  if (length !== undefined) return end + 4 + Number(length);
  return answer.endsWith('\r\n0\r\n\r\n') ? answer.length : undefined;
}
