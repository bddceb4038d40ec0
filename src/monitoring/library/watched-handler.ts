import type { LowServer, RequestHandler } from './server-shape.ts';
import { requestHandlersOf } from './server-shape.ts';

/** Who watches each of the handlers that were put in the place of others. */
const watchers = new WeakMap<RequestHandler, ReadonlySet<object>>();

/**
 * Puts a handler that is watched in the place of the one that carries out tools/call now, if it is not watched yet: an
 * application may set another at any time.
 * @param watcher who watches
 * @param watched makes it of the one that is there
 */
export function watchToolsCall(
  server: LowServer,
  watcher: object,
  watched: (handle: RequestHandler) => RequestHandler,
): void {
  const handlers = requestHandlersOf(server);
  const handle = handlers?.get('tools/call');
  if (!handlers || !handle) return;
  const before = watchers.get(handle);
  if (before?.has(watcher)) return;
  const instead = watched(handle);
  watchers.set(instead, new Set([...(before ?? []), watcher]));
  handlers.set('tools/call', instead);
}
