import { describe, expect, it } from 'vitest';
import type { NetworkOptions } from '../../../src/tools/builtin/network/options.ts';
import { callTool, failureOf, valueOf } from '../../support/call-tool.ts';
import { startDnsServer } from '../../support/dns-server.ts';
import { network } from '../../support/network-tools.ts';
import { startSite } from '../../support/site.ts';

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
