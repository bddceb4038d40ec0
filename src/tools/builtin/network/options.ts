/** The settings of the tools that reach the network. */
export interface NetworkOptions {
  /** Lets them reach private networks: the server's own, and the cluster's. */
  readonly allowPrivateAddresses: boolean;
  /** Deadline of one fetch, redirects included. */
  readonly fetchTimeoutSeconds: number;
  /** The longest body that is read, both as sent and after decompression. */
  readonly fetchMaxBytes: number;
  readonly fetchMaxRedirects: number;
  /** How much text of a page is returned. Default: 4000. */
  readonly fetchMaxCharacters?: number | undefined;
  /** Deadline of one DNS query, retries included. */
  readonly dnsTimeoutSeconds: number;
  /** Resolvers to ask, as `address` or `address:port`. Default: the system's. */
  readonly dnsServers?: readonly string[] | undefined;
}
