import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hash,
  hkdfSync,
  type KeyObject,
} from 'node:crypto';

/** Secrets of at least 32 bytes each: the first seals, all open. Replicas that serve the same clients need the same. */
export type StateKeys = readonly [Uint8Array, ...Uint8Array[]];

interface Key {
  /** Names the key, and tells nothing of it. */
  readonly id: string;
  readonly cipher: KeyObject;
  readonly digest: string;
}

export type Opened =
  | { readonly ok: true; readonly text: string; readonly digest: (text: string) => Buffer }
  /** It was sealed with a key that is not here, or it has been changed since, or cut. */
  | { readonly ok: false; readonly reason: 'unknown' | 'forged' };

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** What a keyed digest has, in bytes: enough for nobody to find another text with the same. */
const DIGEST_BYTES = 16;

/** `version.key.sealed` in base64url. */
const FORM = /^1\.(?<id>[\w-]{6})\.(?<sealed>[\w-]{38,})$/;

/**
 * Seals texts that others carry for this server, so that only who has its keys can read, change or make one (AES-256-GCM, keys
 * by HKDF, RFC 5869). What is sealed for one purpose does not open for another.
 */
export class Seal {
  readonly #keys: readonly [Key, ...Key[]];
  readonly #randomBytes: (size: number) => Buffer;

  /** @param purpose what is sealed */
  constructor([first, ...others]: StateKeys, purpose: string, randomBytes: (size: number) => Buffer) {
    const keyOf = (secret: Uint8Array): Key => ({
      id: keyId(secret),
      cipher: createSecretKey(derive(secret, purpose)),
      digest: derive(secret, `${purpose} digest`).toString('base64'),
    });
    this.#keys = [keyOf(first), ...others.map(keyOf)];
    this.#randomBytes = randomBytes;
  }

  /** A digest of a text that goes into what is sealed next: only who has the key can say whether it is that of a text. */
  digest(text: string): Buffer {
    return digestWith(this.#keys[0], text);
  }

  /**
   * @param context what it belongs to: it opens only with the same
   * @returns printable ASCII: 9 characters, and 4 for each 3 bytes of the text and 28 more
   */
  seal(text: string, context = ''): string {
    const [{ id, cipher: key }] = this.#keys;
    const nonce = this.#randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context));
    const parts = [nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()];
    return `1.${id}.${Buffer.concat(parts).toString('base64url')}`;
  }

  /** Opens a sealed text. One of the right form takes the same time whether or not it opens, so timing tells nothing of the key. */
  open(sealed: string, context = ''): Opened {
    const { id, sealed: text = '' } = FORM.exec(sealed)?.groups ?? {};
    const bytes = Buffer.from(text, 'base64url');
    // What is spelt in another way would be another text with the same content.
    if (id === undefined || bytes.toString('base64url') !== text) return { ok: false, reason: 'unknown' };
    const known = this.#keys.find((key) => key.id === id);
    const opened = decrypt((known ?? this.#keys[0]).cipher, bytes, context);
    if (!known) return { ok: false, reason: 'unknown' };
    if (opened === undefined) return { ok: false, reason: 'forged' };
    return { ok: true, text: opened, digest: (content) => digestWith(known, content) };
  }
}

/** The public name of a key. */
export const keyId = (secret: Uint8Array): string =>
  derive(secret, 'key id').toString('base64url').slice(0, 6);

const derive = (secret: Uint8Array, purpose: string): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, '', `nexus-mcp ${purpose}`, 32));

const digestWith = ({ digest }: Key, text: string): Buffer =>
  hash('sha256', digest + text, 'buffer').subarray(0, DIGEST_BYTES);

function decrypt(key: KeyObject, bytes: Buffer, context: string): string | undefined {
  const [nonce, tag] = [bytes.subarray(0, NONCE_BYTES), bytes.subarray(-TAG_BYTES)];
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(context)).setAuthTag(tag);
  const text = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
  try {
    return Buffer.concat([text, decipher.final()]).toString('utf8');
  } catch {
    return undefined;
  }
}
