import { describe, expect, it } from 'vitest';
import { valueOf } from '../../support/call-tool.ts';
import { network } from '../../support/network-tools.ts';

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

  it('does not read a host that is longer than a name can be, which takes quadratic time', async () => {
    const url = `http://user@${'\u4e00\u4e01'.repeat(1000)}:80/`;
    expect(await valueOf(network(), 'validate_url', { url })).toMatchObject({ valid: false });
  });
});
