import type { Toolset } from '../tool.ts';
import { calculator } from './calculator.ts';
import { encoding } from './encoding.ts';
import { identifiers } from './identifiers.ts';
import { json } from './json.ts';
import { networkToolset } from './network.ts';
import type { NetworkOptions } from './network/options.ts';
import { text } from './text.ts';
import { time } from './time.ts';

/** Every toolset that comes with the server, in alphabetical order. */
export function builtinToolsets(options: { readonly network: NetworkOptions }): Toolset[] {
  return [calculator, encoding, identifiers, json, networkToolset(options.network), text, time];
}
