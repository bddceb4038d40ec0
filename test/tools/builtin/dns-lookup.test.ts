import { callTool as callInTest } from 'nexus-mcp/testing';
import { describe, expect, it } from 'vitest';
import { callTool, failureOf, valueOf } from '../../support/call-tool.ts';
import { RCODE, startDnsServer } from '../../support/dns-server.ts';
import { network } from '../../support/network-tools.ts';

describe('dns_lookup', () => {
  it.each([
    ['A', { A: ['93.184.216.34', '8.8.8.8'] }, ['93.184.216.34', '8.8.8.8']],
    ['AAAA', { AAAA: ['2606:4700::1111'] }, ['2606:4700::1111']],
    ['NS', { NS: ['ns1.example.com', 'ns2.example.com'] }, ['ns1.example.com', 'ns2.example.com']],
    [
      'MX',
      {
        MX: [
          ['20', 'backup.example.com'],
          ['10', 'mail.example.com'],
        ],
      },
      ['10 mail.example.com', '20 backup.example.com'],
    ],
    ['MX', { MX: [['0', '']] }, ['0 .']],
    ['TXT', { TXT: [['v=spf1 ', '-all'], 'other'] }, ['v=spf1 -all', 'other']],
  ])('returns %s records', async (record_type, records, results) => {
    const { server } = await startDnsServer({ 'example.com': records });
    expect(
      await valueOf(network({ dnsServers: [server] }), 'dns_lookup', {
        hostname: 'example.com',
        record_type,
      }),
    ).toEqual({ hostname: 'example.com', record_type, results, count: results.length });
  });

  it('asks for A records by default, and for international names in ASCII', async () => {
    const { server, queries } = await startDnsServer({ 'xn--mnchen-3ya.de': { A: ['8.8.8.8'] } });
    const tools = network({ dnsServers: [server] });
    expect(await valueOf(tools, 'dns_lookup', { hostname: 'München.de.' })).toMatchObject({
      hostname: 'xn--mnchen-3ya.de',
      record_type: 'A',
    });
    expect(queries).toEqual(['xn--mnchen-3ya.de A']);
  });

  it('tells a missing name from missing records', async () => {
    const { server } = await startDnsServer({ 'example.com': {} });
    const tools = network({ dnsServers: [server] });
    expect(await failureOf(tools, 'dns_lookup', { hostname: 'missing.example.com' })).toMatch(
      /does not exist/,
    );
    expect(await failureOf(tools, 'dns_lookup', { hostname: 'example.com', record_type: 'MX' })).toMatch(
      /no MX records/,
    );
  });

  it.each([
    ['A', { A: ['8.8.8.8', '10.0.0.1'] }],
    ['AAAA', { AAAA: ['fd00::1'] }],
  ])('does not show a private %s address, unless that is allowed', async (record_type, records) => {
    const { server } = await startDnsServer({ 'intern.example.com': records });
    const args = { hostname: 'intern.example.com', record_type };
    const message = await failureOf(network({ dnsServers: [server] }), 'dns_lookup', args);
    expect(message).toMatch(/not on the public internet/);
    expect(message).not.toMatch(/10\.0|fd00/);
    const open = network({ dnsServers: [server], allowPrivateAddresses: true });
    expect(await valueOf(open, 'dns_lookup', args)).toMatchObject({ results: Object.values(records)[0] });
  });

  it.each([
    'localhost',
    'db.internal',
    'printer.local',
    'kubernetes.default.svc.cluster.local',
    'kubernetes',
  ])('does not ask for the local name %s, unless that is allowed', async (hostname) => {
    const { server, queries } = await startDnsServer({});
    const tools = network({ dnsServers: [server] });
    expect(await failureOf(tools, 'dns_lookup', { hostname, record_type: 'TXT' })).toMatch(/local name/);
    expect(queries).toEqual([]);
    await callTool(network({ dnsServers: [server], allowPrivateAddresses: true }), 'dns_lookup', {
      hostname,
      record_type: 'TXT',
    });
    expect(queries).toContain(`${hostname} TXT`);
  });

  it.each([
    '8.8.8.8',
    '2130706433',
    '::1',
    'https://example.com',
    'a b.com',
    'a..b',
    `${'a'.repeat(64)}.com`,
    '-a.com',
    '*.com',
  ])('refuses %j as a hostname', async (hostname) => {
    expect(await failureOf(network(), 'dns_lookup', { hostname })).toMatch(/not a valid host name/);
  });

  it('reports a silent resolver as unavailable, a domain whose servers fail as an error of the call', async () => {
    const { server } = await startDnsServer({
      'broken.example.com': RCODE.serverFailure,
      'slow.example.com': 'silent',
    });
    const tools = network({ dnsServers: [server], dnsTimeoutSeconds: 0.3 });
    const statusOf = async (hostname: string) => (await callTool(tools, 'dns_lookup', { hostname })).status;
    expect(await statusOf('slow.example.com')).toBe('unavailable');
    expect(await statusOf('broken.example.com')).toBe('tool_error');
  });

  it('tells the log how a resolver failed, without the name, which is an argument', async () => {
    const { server } = await startDnsServer({ 'slow.example.com': 'silent' });
    const { tools } = network({ dnsServers: [server], dnsTimeoutSeconds: 0.3 });
    const tool = tools.find(({ name }) => name === 'dns_lookup');
    if (!tool) throw new Error('there is no dns_lookup');
    expect(await callInTest(tool, { hostname: 'slow.example.com' })).toMatchObject({
      reason: 'unavailable',
      cause: expect.stringMatching(/^the DNS query failed: E[A-Z]+$/) as string,
    });
  });

  it('stops when the call is aborted, before and during the query', async () => {
    const { server, queries, asked } = await startDnsServer({ 'slow.example.com': 'silent' });
    const tools = network({ dnsServers: [server], dnsTimeoutSeconds: 120 });
    const args = { hostname: 'slow.example.com' };
    const reason = new Error('the client went away');
    await expect(callTool(tools, 'dns_lookup', args, AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(queries).toEqual([]);

    const caller = new AbortController();
    const received = asked();
    const running = callTool(tools, 'dns_lookup', args, caller.signal);
    await received;
    caller.abort(reason);
    await expect(running).rejects.toBe(reason);
  });

  it('accepts record types in capitals only', async () => {
    expect(
      await callTool(network(), 'dns_lookup', { hostname: 'example.com', record_type: 'a' }),
    ).toMatchObject({
      status: 'invalid_arguments',
    });
  });
});
