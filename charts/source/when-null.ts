import type { z } from 'zod';
import { valuesJsonSchema, valuesSchema } from './values.ts';

type JsonSchema = z.core.JSONSchema.JSONSchema;

/** A value's default, and whether null takes the value away in place of giving the default. */
type WhenNull = readonly [byDefault: unknown, gone?: 'gone'];
interface Section {
  readonly [name: string]: Section | WhenNull;
}

/** Those whose parts are the server's settings, or alerts of which each may be taken away. */
const WHOLE = new Set(['config', 'alerts']);

/** Without them there is no such probe, bound or restriction, which somebody may want. */
const MAY_BE_GONE = /^(resources|probes\.\w+|strategy|(podS|s)ecurityContext|\w+\.(behavior|resources))$/;

/**
 * What the chart's templates put in place of a null, with which Helm takes a value out: of `podLabels:` with nothing below
 * it, or a whole section whose lines are commented out.
 */
export const whenNull = (): Section => sectionOf(valuesJsonSchema(), valuesSchema.parse({}), '');

function sectionOf({ properties = {} }: JsonSchema, defaults: object, prefix: string): Section {
  return Object.fromEntries(
    Object.entries(defaults).map(([name, byDefault]: [string, unknown]) => {
      const path = `${prefix}${name}`;
      const schema = properties[name] as JsonSchema;
      const isSection = schema.properties !== undefined && !WHOLE.has(path) && !MAY_BE_GONE.test(path);
      return [
        name,
        isSection ? sectionOf(schema, byDefault as object, `${path}.`) : whenNullOf(path, byDefault),
      ];
    }),
  );
}

const whenNullOf = (path: string, byDefault: unknown): WhenNull =>
  MAY_BE_GONE.test(path) ? [byDefault, 'gone'] : [byDefault];
