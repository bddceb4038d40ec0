import { isIP, isIPv4 } from 'node:net';
import ipaddr from 'ipaddr.js';

/** V8 copies a part of a text that is shorter than this, and for others keeps the text. */
const MAX_IN_PLACE = 13;

/**
 * Whom an address stands for: an IPv4 address, or an IPv6 /64, of which one client has all (RFC 6177). Junk is `undefined`:
 * everyone can send any amount of it.
 * @param text as sockets and proxies write it, with a port or a zone perhaps
 */
export function clientOf(text: string): string | undefined {
  // There is one way to write these, and most requests come from one of them.
  if (isIPv4(text)) return text.length < MAX_IN_PLACE ? text : Buffer.from(text, 'latin1').toString('latin1');
  const [, bracketed, v4] = /^(?:\[([^\]]*)\](?::\d+)?|(\d+(?:\.\d+){3}):\d+)$/.exec(text) ?? [];
  const address = bracketed ?? v4 ?? text;
  // Stricter than the parser, which takes 12345 for an address.
  if (isIP(address) === 0) return undefined;
  const parsed = ipaddr.process(address);
  // Written anew, so that whoever keeps it does not keep the header that the text is part of.
  if (parsed instanceof ipaddr.IPv4) return parsed.toString();
  return `${new ipaddr.IPv6([...parsed.parts.slice(0, 4), 0, 0, 0, 0]).toString()}/64`;
}
