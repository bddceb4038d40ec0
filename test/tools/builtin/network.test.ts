import { describe, expect, it } from 'vitest';
import { networkToolset, type NetworkOptions } from '../../../src/tools/builtin/network.ts';
import { callTool, failureOf, valueOf } from '../../support/call-tool.ts';
import { RCODE, startDnsServer } from '../../support/dns-server.ts';
import { startSite } from '../../support/site.ts';

function network(overrides: Partial<NetworkOptions> = {}) {
  return networkToolset({
    allowPrivateAddresses: false,
    fetchTimeoutSeconds: 4,
    fetchMaxBytes: 100_000,
    fetchMaxRedirects: 3,
    dnsTimeoutSeconds: 3,
    ...overrides,
  });
}

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

  it('reports a resolver that fails or is silent as unavailable', async () => {
    const { server } = await startDnsServer({
      'broken.example.com': RCODE.serverFailure,
      'slow.example.com': 'silent',
    });
    const tools = network({ dnsServers: [server], dnsTimeoutSeconds: 0.3 });
    for (const hostname of ['broken.example.com', 'slow.example.com']) {
      expect(await callTool(tools, 'dns_lookup', { hostname })).toMatchObject({ status: 'unavailable' });
    }
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

describe('fetch_url_content', () => {
  const open = (overrides: Partial<NetworkOptions> = {}) =>
    network({ allowPrivateAddresses: true, ...overrides });

  it('returns the text with its origin', async () => {
    const site = await startSite((request, response) => {
      if (request.url === '/') response.writeHead(302, { location: '/page' }).end();
      else response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<p>naïve</p>');
    });
    expect(await valueOf(open(), 'fetch_url_content', { url: site.url })).toEqual({
      url: `${site.url}/page`,
      status: 200,
      content_type: 'text/html; charset=utf-8',
      content: '<p>naïve</p>',
      truncated: false,
      bytes: 13,
    });
  });

  it('reaches local names when private networks are allowed', async () => {
    const site = await startSite((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/plain' }).end('ok');
    });
    expect(
      await valueOf(open(), 'fetch_url_content', { url: `http://localhost:${site.port}/` }),
    ).toMatchObject({ content: 'ok' });
  });

  it.each([
    ['4000 characters by default', {}, 'x'.repeat(4001), 4000],
    ['as many characters as set', { fetchMaxCharacters: 10 }, 'x'.repeat(11), 10],
    ['before a character that would be split', { fetchMaxCharacters: 10 }, '123456789🙂', 9],
  ])('cuts %s', async (_case, overrides, body, length) => {
    const site = await startSite((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/plain' }).end(body);
    });
    expect(await valueOf(open(overrides), 'fetch_url_content', { url: site.url })).toMatchObject({
      content: body.slice(0, length),
      truncated: true,
      bytes: Buffer.byteLength(body),
    });
  });

  it.each([
    ['text/plain; charset=iso-8859-1', Buffer.from([0xe9]), 'é'],
    ['text/plain; charset="UTF-16LE"', Buffer.from('é', 'utf16le'), 'é'],
    ['text/plain', Buffer.from([0xe9]), '\uFFFD'],
    ['application/json', Buffer.from('{}'), '{}'],
    ['application/problem+json', Buffer.from('{}'), '{}'],
    ['image/svg+xml', Buffer.from('<svg/>'), '<svg/>'],
    [undefined, Buffer.from('é'), 'é'],
  ])('decodes %s', async (type, body, content) => {
    const site = await startSite((_request, response) => {
      response.writeHead(200, type === undefined ? {} : { 'content-type': type }).end(body);
    });
    expect(await valueOf(open(), 'fetch_url_content', { url: site.url })).toMatchObject({
      content,
      content_type: type ?? null,
    });
  });

  it.each([
    ['image/png', Buffer.from('x'), /not text/],
    ['application/octet-stream', Buffer.from('x'), /not text/],
    ['nonsense', Buffer.from('x'), /not text/],
    ['text/plain; charset=klingon', Buffer.from('x'), /cannot be decoded/],
    [undefined, Buffer.from([0xff, 0xd8]), /cannot be decoded/],
  ])('refuses content of type %s', async (type, body, message) => {
    const site = await startSite((_request, response) => {
      response.writeHead(200, type === undefined ? {} : { 'content-type': type }).end(body);
    });
    expect(await failureOf(open(), 'fetch_url_content', { url: site.url })).toMatch(message);
  });

  it.each([400, 404, 500, 503])('fails on HTTP status %d', async (status) => {
    const site = await startSite((_request, response) => response.writeHead(status).end('page'));
    expect(await failureOf(open(), 'fetch_url_content', { url: site.url })).toBe(
      `The site answered with HTTP status ${status}.`,
    );
  });

  it('is refused loopback by default, by address and by name', async () => {
    const site = await startSite((_request, response) => response.end('secret'));
    const { server } = await startDnsServer({ 'rebound.example': { A: ['127.0.0.1'] } });
    for (const host of ['127.0.0.1', '2130706433', '[::ffff:127.0.0.1]', 'localhost', 'rebound.example']) {
      const url = `http://${host}:${site.port}/`;
      expect(await failureOf(network({ dnsServers: [server] }), 'fetch_url_content', { url })).toMatch(
        /not on the public internet/,
      );
    }
    expect(site.visits).toEqual([]);
  });

  it('does not let search domains complete a name', async () => {
    const { server, queries } = await startDnsServer({});
    const url = 'http://grafana.monitoring/';
    expect(await failureOf(network({ dnsServers: [server] }), 'fetch_url_content', { url })).toMatch(
      /does not exist/,
    );
    expect(new Set(queries)).toEqual(new Set(['grafana.monitoring A', 'grafana.monitoring AAAA']));
  });

  it('tells a name that does not exist when private networks are allowed', async () => {
    const outcome = await callTool(open(), 'fetch_url_content', { url: 'http://nowhere.invalid/' });
    expect(outcome.status).toMatch(/^(?:tool_error|unavailable)$/);
  });
});

describe('validate_ip_address', () => {
  const NO = {
    is_public: false,
    is_private: false,
    is_loopback: false,
    is_link_local: false,
    is_multicast: false,
  };

  it.each([
    ['8.8.8.8', { version: 4, class: 'A', is_public: true }],
    ['172.16.0.1', { version: 4, class: 'B', is_private: true }],
    ['192.168.0.1', { version: 4, class: 'C', is_private: true }],
    ['127.0.0.1', { version: 4, class: 'A', is_loopback: true }],
    ['169.254.169.254', { version: 4, class: 'B', is_link_local: true }],
    ['239.1.2.3', { version: 4, class: 'D', is_multicast: true }],
    ['250.0.0.1', { version: 4, class: 'E' }],
    ['168.63.129.16', { version: 4, class: 'B' }],
    ['2606:4700::1111', { version: 6, is_public: true }],
    ['fd00::1', { version: 6, is_private: true }],
    ['::1', { version: 6, is_loopback: true }],
    ['::ffff:127.0.0.1', { version: 6, is_loopback: true }],
    ['64:ff9b::a00:1', { version: 6, is_private: true }],
    ['fe80::1%eth0', { version: 6, is_link_local: true }],
    ['ff02::1', { version: 6, is_multicast: true }],
  ])('describes %s', async (ip, verdict) => {
    expect(await valueOf(network(), 'validate_ip_address', { ip })).toEqual({
      valid: true,
      ...NO,
      ...verdict,
    });
  });

  it.each([
    '',
    'example.com',
    '1.2.3',
    '1.2.3.256',
    '010.0.0.1',
    '0x7f.1',
    '2130706433',
    ' 1.2.3.4',
    '1::2::3',
    '1.2.3.4/8',
  ])('answers that %j is not valid, which is no failure', async (ip) => {
    expect(await valueOf(network(), 'validate_ip_address', { ip })).toEqual({ valid: false });
  });
});

describe('validate_url', () => {
  it('returns the normalised parts', async () => {
    expect(
      await valueOf(network(), 'validate_url', { url: 'HTTPS://Exämple.com:8443/a/../b?q=1#top' }),
    ).toEqual({
      valid: true,
      scheme: 'https',
      host: 'xn--exmple-cua.com',
      port: 8443,
      path: '/b',
      query: 'q=1',
      fragment: 'top',
      has_credentials: false,
    });
  });

  it.each([
    [
      'http://example.photography',
      { host: 'example.photography', port: null, path: '/', query: '', fragment: '' },
    ],
    ['https://example.com:443/', { port: null }],
    ['http://[::1]:80/', { host: '[::1]', port: null }],
    ['http://user:pass@example.com/', { host: 'example.com', has_credentials: true }],
  ])('accepts %s', async (url, parts) => {
    expect(await valueOf(network(), 'validate_url', { url })).toMatchObject({ valid: true, ...parts });
  });

  it.each([
    'example.com',
    'ftp://example.com',
    'javascript:alert(1)',
    'http:example.com',
    'http:///example.com',
    'http://',
    'http:\\\\example.com',
    ' http://example.com',
    'http://exam\tple.com',
    'http://example.com/a b',
    'http://example.com:99999',
    'http://[::1',
    'http://1.2.3.256',
    '',
  ])('answers that %j is not valid and why, which is no failure', async (url) => {
    expect(await valueOf(network(), 'validate_url', { url })).toEqual({
      valid: false,
      reason: expect.stringMatching(/^It/) as string,
    });
  });
});
