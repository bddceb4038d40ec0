import process from 'node:process';
import { takeListens } from '../door/listens.ts';
import { checkInstrumentOptions } from './check-options.ts';
import { lowOf } from './server-shape.ts';
import { instrumentSessions, instrumentSessionServers, instrumentStrategy } from './frameworks.ts';
import { instrument } from './instrument.ts';
import { recognise, type Instrumentable } from './instrumentable.ts';
import type { InstrumentationParts, InstrumentOptions } from './instrumented-server.ts';
import type { Monitoring } from './monitoring.ts';

const NO_SERVER =
  'nexus-mcp/monitoring: calls are not counted, because instrument got what createMcpHandler returns and none of its servers; ' +
  'call instrument in the factory, with each server that it makes';

/** Has each thing watched once, in the way that is its own. */
export function instrumenting(parts: InstrumentationParts): Monitoring['instrument'] {
  const instrumented = new WeakSet();
  let hasServer = false;
  let isTold = false;
  const tellWithoutServer = (): void => {
    if (hasServer || isTold || parts.door.closed) return;
    isTold = true;
    process.emitWarning(NO_SERVER);
  };
  const watch = (given: Instrumentable, options: InstrumentOptions): void => {
    const recognised = recognise(given);
    const subject = recognised.kind === 'server' ? lowOf(recognised.given) : recognised.given;
    if (instrumented.has(subject) || parts.door.closed) return;
    instrumented.add(subject);
    const watchServer = (server: Instrumentable): void => {
      watch(server, options);
    };
    switch (recognised.kind) {
      case 'server':
        hasServer = true;
        instrument(recognised.given, options, parts);
        break;
      case 'handler':
        takeListens(recognised.given, parts.door, tellWithoutServer);
        break;
      case 'sessionClass':
        instrumentSessions(recognised.given, watchServer, parts);
        break;
      case 'sessionServers':
        instrumentSessionServers(recognised.given, watchServer);
        break;
      case 'strategy':
        instrumentStrategy(recognised.given, watchServer);
    }
  };
  return (given, options = {}) => {
    checkInstrumentOptions(options);
    watch(given, options);
    return given;
  };
}
