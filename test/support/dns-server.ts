import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import ipaddr from 'ipaddr.js';
import { onTestFinished } from 'vitest';

const TYPES = { A: 1, NS: 2, MX: 15, TXT: 16, AAAA: 28 } as const;
type Type = keyof typeof TYPES;

/** Response codes of RFC 1035, section 4.1.1. */
export const RCODE = { ok: 0, serverFailure: 2, noSuchName: 3 } as const;

/** Records by name and type; a name alone stands for a response code, or for no answer at all. */
export type Zone = Readonly<
  Record<string, Partial<Record<Type, readonly (string | readonly string[])[]>> | number | 'silent'>
>;

function encodeName(name: string): Buffer {
  const labels = name.split('.').filter((label) => label !== '');
  return Buffer.concat([
    ...labels.map((label) => Buffer.from([label.length, ...Buffer.from(label)])),
    Buffer.from([0]),
  ]);
}

function encodeData(type: Type, data: string | readonly string[]): Buffer {
  const strings = typeof data === 'string' ? [data] : data;
  const [first = '', second = ''] = strings;
  switch (type) {
    case 'A':
    case 'AAAA':
      return Buffer.from(ipaddr.parse(first).toByteArray());
    case 'NS':
      return encodeName(first);
    case 'MX':
      return Buffer.concat([Buffer.from([0, Number(first)]), encodeName(second)]);
    case 'TXT':
      return Buffer.concat(strings.map((text) => Buffer.from([text.length, ...Buffer.from(text)])));
  }
}

/** The one question of a query (RFC 1035, section 4.1.2). */
function parseQuestion(query: Buffer) {
  const labels: string[] = [];
  let position = 12;
  for (let length = query.readUInt8(position); length > 0; length = query.readUInt8(position)) {
    labels.push(query.toString('latin1', position + 1, position + 1 + length));
    position += length + 1;
  }
  const code = query.readUInt16BE(position + 1);
  const type = (Object.keys(TYPES) as Type[]).find((candidate) => TYPES[candidate] === code);
  if (type === undefined) throw new Error(`the test's DNS server knows no record type ${code}`);
  return { name: labels.join('.'), type, code, bytes: query.subarray(12, position + 5) };
}

function answer(query: Buffer, zone: Zone, log: string[]): Buffer | undefined {
  const { name, type, code, bytes: question } = parseQuestion(query);
  log.push(`${name} ${type}`);

  const entry = zone[name] ?? RCODE.noSuchName;
  if (entry === 'silent') return undefined;
  const records = typeof entry === 'number' ? [] : (entry[type] ?? []);
  const header = Buffer.alloc(12);
  query.copy(header, 0, 0, 2);
  header.writeUInt16BE(0x8180 | (typeof entry === 'number' ? entry : RCODE.ok), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(records.length, 6);
  const encoded = records.map((record) => {
    const data = encodeData(type, record);
    const fixed = Buffer.from([0xc0, 12, 0, code, 0, 1, 0, 0, 0, 0, 0, 0]);
    fixed.writeUInt16BE(data.length, 10);
    return Buffer.concat([fixed, data]);
  });
  return Buffer.concat([header, question, ...encoded]);
}

/** A DNS server on loopback that lasts as long as the test. */
export interface DnsServer {
  /** As `address:port`. */
  readonly server: string;
  /** What it was asked so far, as `name TYPE`. */
  readonly queries: readonly string[];
  /** Resolves at the next query. */
  readonly asked: () => Promise<unknown>;
}

/** Starts a DNS server that answers from `zone`. */
export async function startDnsServer(zone: Zone): Promise<DnsServer> {
  const socket = createSocket('udp4');
  const queries: string[] = [];
  socket.on('message', (query, { port, address }) => {
    const response = answer(query, zone, queries);
    if (response) socket.send(response, port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        socket.close(resolve);
      }),
  );
  return { server: `127.0.0.1:${socket.address().port}`, queries, asked: () => once(socket, 'message') };
}
