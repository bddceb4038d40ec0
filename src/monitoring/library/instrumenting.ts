import { takeListens } from '../door/listens.ts';
import { checkInstrumentOptions } from './check-options.ts';
import { lowOf } from './server-shape.ts';
import { instrumentSessions, instrumentSessionServers, instrumentStrategy } from './frameworks.ts';
import { instrument } from './instrument.ts';
import { recognise, type Instrumentable } from './instrumentable.ts';
import type { InstrumentationParts, InstrumentOptions } from './instrumented-server.ts';
import type { Monitoring } from './monitoring.ts';

/** Has each thing watched once, in the way that is its own. */
export function instrumenting(parts: InstrumentationParts): Monitoring['instrument'] {
  const instrumented = new WeakSet();
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
        instrument(recognised.given, options, parts);
        break;
      case 'handler':
        takeListens(recognised.given, parts.door);
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
