import ipaddr from 'ipaddr.js';

/**
 * Whom an address stands for: an IPv4 address, or an IPv6 /64, of which one client has all (RFC 6177). What is no address
 * stands for itself.
 * @param text as sockets and proxies write it, with a port or a zone perhaps
 */
export function clientOf(text: string): string {
  const [, bracketed, v4] = /^(?:\[([^\]]*)\](?::\d+)?|(\d+(?:\.\d+){3}):\d+)$/.exec(text) ?? [];
  const address = bracketed ?? v4 ?? text;
  if (!ipaddr.isValid(address)) return text;
  const parsed = ipaddr.process(address);
  if (parsed instanceof ipaddr.IPv4) return parsed.toString();
  return `${new ipaddr.IPv6([...parsed.parts.slice(0, 4), 0, 0, 0, 0]).toString()}/64`;
}
