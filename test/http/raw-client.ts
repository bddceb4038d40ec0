import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** What a server answered, taken apart. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

type RequestHeaders = Readonly<Record<string, string | number | undefined>>;

/** Opens a connection to the server at `url`. */
export async function dial(url: string, { allowHalfOpen = false } = {}): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen });
  await once(socket, 'connect');
  return socket;
}

/** A request as bytes; a header set to `undefined` is left out. */
export function requestBytes(line: string, headers: RequestHeaders = {}, body: string | Buffer = ''): Buffer {
  const all: RequestHeaders = {
    host: 'localhost',
    connection: 'close',
    ...(body.length > 0 && { 'content-length': Buffer.byteLength(body) }),
    ...headers,
  };
  const fields = Object.entries(all).map(([name, value]) =>
    value === undefined ? '' : `${name}: ${value}\r\n`,
  );
  return Buffer.concat([Buffer.from(`${line} HTTP/1.1\r\n${fields.join('')}\r\n`), Buffer.from(body)]);
}

/** Sends bytes as they are and returns the answer. */
export async function sendBytes(url: string, bytes: string | Buffer): Promise<RawAnswer> {
  const socket = await dial(url);
  socket.write(bytes);
  return answerOn(socket);
}

/** Makes one request with exactly these headers, besides Host and Connection, on a connection of its own. */
export const ask = (
  url: string,
  line: string,
  headers: RequestHeaders = {},
  body: string | Buffer = '',
): Promise<RawAnswer> => sendBytes(url, requestBytes(line, headers, body));

/** Reads one answer, and hangs up. Rejects when the server closes the connection without one. */
export async function answerOn(socket: Socket): Promise<RawAnswer> {
  let text = '';
  for await (const chunk of socket.setEncoding('utf8')) {
    text += String(chunk);
    if (isWhole(text)) break;
  }
  const [, status, head, body] = /^HTTP\/1\.1 (\d+)[^\r]*\r\n([^]*?)\r\n\r\n([^]*)$/.exec(text) ?? [];
  if (status === undefined || head === undefined || body === undefined)
    throw new Error(`not an answer: ${JSON.stringify(text.slice(0, 200))}`);
  const headers = new Headers(
    head.split('\r\n').map((line): [string, string] => {
      const [name = '', ...value] = line.split(': ');
      return [name, value.join(': ')];
    }),
  );
  const chunked = headers.get('transfer-encoding') === 'chunked';
  return { status: Number(status), headers, body: chunked ? joinChunks(body) : body };
}

/** Whether an answer has the length it says; others end with their connection. */
function isWhole(text: string): boolean {
  const [, length, body = ''] = /^content-length: (\d+)\r\n[^]*?\r\n\r\n([^]*)$/im.exec(text) ?? [];
  return length !== undefined && Buffer.byteLength(body) >= Number(length);
}

function joinChunks(text: string): string {
  const bytes = Buffer.from(text);
  let body = '';
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf('\r\n', at);
    const size = Number.parseInt(bytes.toString('latin1', at, end), 16);
    body += bytes.toString('utf8', end + 2, end + 2 + size);
    at = end + 4 + size;
  }
  return body;
}

const STACKS_AND_PATHS = /\bat \S+ \(|node_modules|file:|\/(work|home|usr|src|tmp)\/|\.[jt]s\b/;

/** Fails if an error body tells of the server's inside. */
export function refuseInternals(body: string): void {
  const found = STACKS_AND_PATHS.exec(body);
  if (found) throw new Error(`tells of the server's inside: ${found[0]} in ${body}`);
}
