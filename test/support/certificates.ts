import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';

/** A certificate and its key, in PEM. */
export interface Certified {
  readonly cert: string;
  readonly key: string;
}

/** A value of DER (X.690): its tag, its length and its content. */
function der(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  const long = [body.length >> 8, body.length & 0xff];
  return Buffer.from([tag, ...(body.length < 0x80 ? [body.length] : [0x82, ...long]), ...body]);
}

const sequence = (...content: readonly Uint8Array[]): Buffer => der(0x30, ...content);
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'));
const bits = (bytes: Uint8Array): Buffer => der(0x03, Buffer.from([0]), bytes);
const TRUE = der(0x01, Buffer.from([0xff]));

const ECDSA_WITH_SHA256 = sequence(oid('2a8648ce3d040302'));
/** From 2020 to 2049, as far as this form of times goes. */
const VALIDITY = sequence(der(0x17, Buffer.from('200101000000Z')), der(0x17, Buffer.from('491231235959Z')));
/** What is certified: that it certifies others, or that it is at 127.0.0.1. */
const AUTHORITY = sequence(oid('551d13'), TRUE, der(0x04, sequence(TRUE)));
const AT_LOOPBACK = sequence(oid('551d11'), der(0x04, sequence(der(0x87, Buffer.from([127, 0, 0, 1])))));

const named = (name: string): Buffer =>
  sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(name)))));

/** A certificate (RFC 5280), in PEM. */
function certificate(
  subject: string,
  publicKey: KeyObject,
  extension: Uint8Array,
  issuer: { readonly name: string; readonly key: KeyObject },
): string {
  const version = der(0xa0, der(0x02, Buffer.from([2])));
  const serial = der(0x02, Buffer.from([subject.length]));
  const signed = sequence(
    ...[version, serial, ECDSA_WITH_SHA256, named(issuer.name), VALIDITY, named(subject)],
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(extension)),
  );
  const whole = sequence(signed, ECDSA_WITH_SHA256, bits(sign('sha256', signed, issuer.key)));
  return `-----BEGIN CERTIFICATE-----\n${whole.toString('base64')}\n-----END CERTIFICATE-----\n`;
}

/** An authority that nobody knows, and what it certified: a server at 127.0.0.1. */
export function privateAuthority(): { readonly ca: string; readonly server: Certified } {
  const keys = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const [authority, server] = [keys(), keys()];
  const issuer = { name: 'authority', key: authority.privateKey };
  return {
    ca: certificate(issuer.name, authority.publicKey, AUTHORITY, issuer),
    server: {
      cert: certificate('server', server.publicKey, AT_LOOPBACK, issuer),
      key: server.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    },
  };
}
