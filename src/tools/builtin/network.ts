import type { Toolset } from '../tool.ts';
import { dnsLookup } from './network/dns-lookup.ts';
import { fetchUrlContent } from './network/fetch-url-content.ts';
import type { NetworkOptions } from './network/options.ts';
import { validateIpAddress } from './network/validate-ip-address.ts';
import { validateUrl } from './network/validate-url.ts';

/** DNS, web pages, and what an address or URL is. */
export function networkToolset(options: NetworkOptions): Toolset {
  return {
    name: 'network',
    source: 'builtin',
    moduleUrl: import.meta.url,
    tools: [dnsLookup(options), fetchUrlContent(options), validateIpAddress, validateUrl],
  };
}
