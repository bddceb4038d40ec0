import type { ServerResponse } from 'node:http';
import type { Replay } from './event-store.ts';

/**
 * Writes what a client missed of a stream, an event whenever it has read the one before: the SDK would write all of it at
 * once, for however many requests. The SDK then serves the response as if nothing had been written.
 * @returns whether the client has it all; otherwise it is gone
 */
export async function replayTo(
  response: ServerResponse,
  replay: Replay,
  sessionId: string,
): Promise<boolean> {
  for (let event = replay.next(); event && !response.destroyed; event = replay.next()) {
    if (!response.headersSent) writeHead(response, sessionId);
    response.write(`event: message\nid: ${event.id}\ndata: ${event.text}\n\n`);
    await read(response);
  }
  if (response.destroyed) replay.end();
  return !response.destroyed;
}

function writeHead(response: ServerResponse, sessionId: string): void {
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
    'mcp-session-id': sessionId,
  });
  response.writeHead = () => response;
}

/** Resolves when a client has read what was written, or is gone. */
async function read(response: ServerResponse): Promise<void> {
  if (response.destroyed || !response.writableNeedDrain) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}
