import { isIP } from 'node:net';
import { z } from 'zod';
import { effectiveAddress, isPublicAddress } from '../../public-address.ts';
import { defineTool } from '../../tool.ts';
import { pure } from '../annotations.ts';
import { boundedText } from '../bounded-text.ts';

/** The classes of RFC 791 and 1112, by the first octet. */
function classOf([octet = 0]: readonly number[]): 'A' | 'B' | 'C' | 'D' | 'E' {
  if (octet < 128) return 'A';
  if (octet < 192) return 'B';
  if (octet < 224) return 'C';
  return octet < 240 ? 'D' : 'E';
}

const verdict = z.strictObject({
  valid: z.boolean().describe('When false, no other field is present.'),
  version: z.literal([4, 6]).optional(),
  class: z.enum(['A', 'B', 'C', 'D', 'E']).optional().describe('The class of an IPv4 address.'),
  is_public: z.boolean().optional(),
  is_private: z.boolean().optional().describe('Whether it is private (RFC 1918) or unique local (RFC 4193).'),
  is_loopback: z.boolean().optional(),
  is_link_local: z.boolean().optional(),
  is_multicast: z.boolean().optional(),
});

/** The tool `validate_ip_address`: judges addresses by the rules that network tools are held to. */
export const validateIpAddress = defineTool({
  name: 'validate_ip_address',
  title: 'Validate an IP address',
  description:
    'Says whether a text is an IPv4 address (four decimal numbers without leading zeros) or an IPv6 address, and ' +
    'if so its version, class (IPv4) and whether it is public, private, loopback, link-local or multicast. IPv4 ' +
    'embedded in IPv6 (mapped or NAT64) is judged as IPv4.',
  input: z.strictObject({ ip: boundedText('The text to check.', 256) }),
  output: verdict,
  annotations: pure,
  handler({ ip }): z.infer<typeof verdict> {
    const version = isIP(ip);
    const address = effectiveAddress(ip);
    if ((version !== 4 && version !== 6) || !address) return { valid: false };
    const range = address.range();
    return {
      valid: true,
      version,
      ...(version === 4 && { class: classOf(address.toByteArray()) }),
      is_public: isPublicAddress(ip),
      is_private: range === 'private' || range === 'uniqueLocal',
      is_loopback: range === 'loopback',
      is_link_local: range === 'linkLocal',
      is_multicast: range === 'multicast',
    };
  },
});
