import { describe, expect, it } from 'vitest';
import { isPublicAddress, isPublicName } from '../../src/tools/public-address.ts';

describe('isPublicAddress', () => {
  it.each([
    '8.8.8.8',
    '1.1.1.1',
    '93.184.216.34',
    '172.15.255.255',
    '172.32.0.1',
    '100.63.255.255',
    '100.128.0.1',
    '2606:4700:4700::1111',
    '2001:4860:4860::8888',
    '::ffff:8.8.8.8',
    '64:ff9b::8.8.8.8',
  ])('%s is public', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  it.each([
    ['this network', '0.0.0.0'],
    ['this network', '0.1.2.3'],
    ['private use', '10.0.0.1'],
    ['private use', '172.16.0.1'],
    ['private use', '172.31.255.255'],
    ['private use', '192.168.1.1'],
    ['carrier-grade NAT', '100.64.0.1'],
    ['Alibaba metadata', '100.100.100.200'],
    ['loopback', '127.0.0.1'],
    ['loopback', '127.255.255.254'],
    ['cloud metadata', '169.254.169.254'],
    ['ECS task metadata', '169.254.170.2'],
    ['Azure WireServer', '168.63.129.16'],
    ['Oracle metadata', '192.0.0.192'],
    ['documentation', '192.0.2.1'],
    ['6to4 relay', '192.88.99.1'],
    ['benchmarking', '198.18.0.1'],
    ['documentation', '198.51.100.1'],
    ['documentation', '203.0.113.1'],
    ['multicast', '224.0.0.1'],
    ['reserved', '240.0.0.1'],
    ['broadcast', '255.255.255.255'],
    ['unspecified', '::'],
    ['loopback', '::1'],
    ['IPv4-compatible loopback', '::127.0.0.1'],
    ['IPv4-compatible loopback', '::7f00:1'],
    ['IPv4-compatible', '::8.8.8.8'],
    ['mapped loopback', '::ffff:127.0.0.1'],
    ['mapped loopback', '::ffff:7f00:1'],
    ['mapped metadata', '::ffff:a9fe:a9fe'],
    ['translated (RFC 2765)', '::ffff:0:7f00:1'],
    ['NAT64 of loopback', '64:ff9b::127.0.0.1'],
    ['NAT64 of metadata', '64:ff9b::a9fe:a9fe'],
    ['local-use NAT64', '64:ff9b:1::808:808'],
    ['discard', '100::1'],
    ['Teredo', '2001:0:7f00:1::'],
    ['benchmarking', '2001:2::1'],
    ['ORCHID', '2001:20::1'],
    ['documentation', '2001:db8::1'],
    ['documentation', '3fff::1'],
    ['6to4 of loopback', '2002:7f00:1::'],
    ['6to4', '2002:808:808::1'],
    ['unallocated', '4000::1'],
    ['segment routing', '5f00::1'],
    ['unique local', 'fd00::1'],
    ['AWS metadata', 'fd00:ec2::254'],
    ['link-local', 'fe80::1'],
    ['zoned', 'fe80::1%eth0'],
    ['zoned', '2001:4860:4860::8888%eth0'],
    ['site-local', 'fec0::1'],
    ['multicast', 'ff02::1'],
    ['not an address', 'example.com'],
    ['not an address', ''],
  ])('%s is not public: %s', (_range, address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
});

describe('isPublicName', () => {
  it.each([
    'example.com',
    'example.com.',
    'local.example.com',
    'internal.io',
    'localhost.example.org',
    'xn--mnchen-3ya.de',
  ])('%s may be public', (name) => {
    expect(isPublicName(name)).toBe(true);
  });

  it.each([
    'localhost',
    'LOCALHOST.',
    'a.localhost',
    'localhost.localdomain',
    'printer.local',
    'metadata.google.internal',
    'metadata.google.internal.',
    'kubernetes.default.svc',
    'kubernetes.default.svc.cluster.local',
    'kubernetes',
    'router.lan',
    'nas.home.arpa',
    'site.onion',
    'x.test',
    '',
  ])('%j is local', (name) => {
    expect(isPublicName(name)).toBe(false);
  });
});
