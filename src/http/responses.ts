import { ServerResponse } from 'node:http';

type Method<Result> = (this: ServerResponse, ...args: readonly unknown[]) => Result;

const { writeHead, write } = ServerResponse.prototype as unknown as {
  readonly writeHead: Method<ServerResponse>;
  readonly write: Method<boolean>;
};

/**
 * Changes what the SDK does with the responses of a prototype. Not on each of them: functions of its own have the garbage
 * collector keep a response for long.
 *
 * Whether a connection goes on is left to the server: the SDK puts `Connection: keep-alive` on every stream. And what a client has
 * not read waits in its connection, where it is counted and bounded: the SDK would hold it back in streams that nobody
 * looks into.
 */
export function leaveToServer(prototype: ServerResponse): void {
  prototype.writeHead = function (this: ServerResponse, ...args: unknown[]) {
    return writeHead.apply(this, args.map(withoutConnection));
  };
  prototype.write = function (this: ServerResponse, ...args: unknown[]) {
    write.apply(this, args);
    return true;
  };
}

const withoutConnection = (value: unknown): unknown =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.keys(value).some(isConnection)
    ? Object.fromEntries(Object.entries(value).filter(([name]) => !isConnection(name)))
    : value;

const isConnection = (name: string): boolean =>
  name.length === 'connection'.length && name.toLowerCase() === 'connection';

/** Answers with JSON, as express does: that looks for a charset, a tag and a cached answer first. */
export function sendJson(response: ServerResponse, value: unknown): void {
  const text = JSON.stringify(value);
  response.setHeader('Content-Type', 'application/json; charset=utf-8');
  response.setHeader('Content-Length', Buffer.byteLength(text));
  response.end(text);
}
