import { networkToolset } from '../../src/tools/builtin/network.ts';
import type { NetworkOptions } from '../../src/tools/builtin/network/options.ts';
import type { Toolset } from '../../src/tools/tool.ts';

/** The network tools, held to the public internet unless a test says otherwise. */
export function network(overrides: Partial<NetworkOptions> = {}): Toolset {
  return networkToolset({
    allowPrivateAddresses: false,
    fetchTimeoutSeconds: 4,
    fetchMaxBytes: 100_000,
    fetchMaxRedirects: 3,
    dnsTimeoutSeconds: 3,
    ...overrides,
  });
}
