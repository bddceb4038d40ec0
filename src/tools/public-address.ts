import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** All that IANA has given out for global unicast so far (RFC 4291, section 2.4). */
const GLOBAL_UNICAST_V6 = ipaddr.IPv6.parseCIDR('2000::/3');
/** The well-known prefix of NAT64 (RFC 6052): traffic to it ends at the IPv4 address in the last 32 bits. */
const NAT64 = ipaddr.IPv6.parseCIDR('64:ff9b::/96');
/** Azure's WireServer, which hands out machine configuration at an address of a public range. */
const PLATFORM_ADDRESSES: ReadonlySet<string> = new Set(['168.63.129.16']);

/** Where traffic to a written address ends: IPv4 addresses inside IPv6 ones are taken out; `undefined` for no address. */
export function effectiveAddress(text: string): Address | undefined {
  if (!ipaddr.isValid(text)) return undefined;
  // ipaddr.js takes the deprecated "::127.0.0.1" (RFC 4291, section 2.5.5.1) for a mapped address, which it is not.
  const address = ipaddr.process(text.replace(/^::(?=\d+\.)/, '::0:'));
  if (address.kind() === 'ipv4') return address;
  const v6 = address as ipaddr.IPv6;
  return v6.match(NAT64) ? ipaddr.fromByteArray(v6.toByteArray().slice(-4)) : v6;
}

/**
 * Whether an address is one of the public internet: not private, shared (CGNAT), loopback, link-local (cloud
 * metadata), multicast, reserved, nor a tunnel (6to4, Teredo) that could lead to one of those.
 */
export function isPublicAddress(text: string): boolean {
  // A zone index (fe80::1%eth0) only means something on this machine.
  if (text.includes('%')) return false;
  const address = effectiveAddress(text);
  if (address?.range() !== 'unicast') return false;
  if (address.kind() === 'ipv6') return address.match(GLOBAL_UNICAST_V6);
  return !PLATFORM_ADDRESSES.has(address.toString());
}

/**
 * Names that never mean a host of the public internet: RFC 6761 (localhost, test, invalid), 6762 (local, and
 * appendix G's habits), 7686, 8375 and 9476, ICANN's internal, and Kubernetes' cluster-local services.
 */
const LOCAL_NAME =
  /(?:^|\.)(?:localhost|localdomain|local|internal|intranet|private|corp|home|lan|test|invalid|onion|alt|svc|home\.arpa)$/i;

/** Whether a hostname could belong to the public internet; a name without a dot depends on local search domains. */
export function isPublicName(hostname: string): boolean {
  const name = hostname.replace(/\.$/, '');
  return name.includes('.') && !LOCAL_NAME.test(name);
}
