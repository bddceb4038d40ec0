import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { z } from 'zod';
import { queryDns, RECORD_TYPES } from '../../dns-query.ts';
import { anyNetwork, publicInternet } from '../../egress-policy.ts';
import { failure, unavailable } from '../../result.ts';
import { defineTool } from '../../tool.ts';
import { internet } from '../annotations.ts';
import { boundedText } from '../bounded-text.ts';
import type { NetworkOptions } from './options.ts';

/** Labels of RFC 1035, plus the underscore of service names such as _dmarc (RFC 8552). */
const HOSTNAME =
  /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$/;

/** The tool `dns_lookup`: asks DNS, and by default keeps private names and addresses to itself. */
export function dnsLookup({ allowPrivateAddresses, dnsTimeoutSeconds, dnsServers }: NetworkOptions) {
  const policy = allowPrivateAddresses ? anyNetwork : publicInternet;
  return defineTool({
    name: 'dns_lookup',
    title: 'Look up DNS records',
    description:
      'Returns the DNS records of one type for a hostname: A, AAAA, MX ("priority exchange"), NS or TXT. Fails when ' +
      `there are none${allowPrivateAddresses ? '.' : ', and for local names and names with private addresses.'}`,
    input: z.strictObject({
      hostname: boundedText('The full hostname, such as example.com; not an IP address or URL.', 255).min(1),
      record_type: z.enum(RECORD_TYPES).default('A').describe('The record type, in capitals. Default: A.'),
    }),
    output: z.strictObject({
      hostname: z.string().describe('The name asked for, in ASCII.'),
      record_type: z.enum(RECORD_TYPES),
      results: z.array(z.string()),
      count: z.int(),
    }),
    annotations: internet,
    // Longer than the query's own deadline, so that a slow resolver is reported as one.
    timeoutSeconds: dnsTimeoutSeconds + 1,
    async handler({ hostname, record_type }, { signal }) {
      const name = domainToASCII(hostname.replace(/\.$/, ''));
      if (!HOSTNAME.test(name) || isIP(name)) {
        return failure(
          'hostname is not a valid host name. Give a name such as example.com, not a URL or an IP address.',
        );
      }
      if (!policy.permitsName(name)) {
        return failure(
          'hostname is a local name, which is not looked up. Give the full name of a host on the public internet.',
        );
      }
      const answer = await queryDns(name, record_type, {
        timeoutSeconds: dnsTimeoutSeconds,
        servers: dnsServers,
        signal,
      });
      if ('problem' in answer) {
        switch (answer.problem) {
          case 'no_such_name':
            return failure('The name does not exist in DNS. Check its spelling.');
          case 'no_such_records':
            return failure(`The name exists, but has no ${record_type} records.`);
          case 'bad_name':
            return failure('DNS does not accept this as a name. Check its spelling.');
          case 'broken_domain':
            return failure('The DNS servers of this domain fail to answer.');
          case 'unavailable':
            return unavailable('The DNS resolver could not answer. Try again later.', answer.cause);
        }
      }
      const { records } = answer;
      if ((record_type === 'A' || record_type === 'AAAA') && !records.every(policy.permitsAddress)) {
        return failure(
          'The name has an address that is not on the public internet; such answers are not shown.',
        );
      }
      return { hostname: name, record_type, results: [...records], count: records.length };
    },
  });
}
