import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';

/** What a flood is made of, in a thread of its own, so that it disturbs nobody who measures. */
export interface FloodData {
  readonly url: string;
  readonly token: string;
  /** Whether each request has another signature, and so another token. */
  readonly changing: boolean;
  readonly aSecond: number;
}

/** Begins, pauses, or ends: then it tells how many requests were sent, and how many of them were refused. */
export type FloodOrder = 'go' | 'pause' | 'end';
export interface FloodCounts {
  readonly sent: number;
  readonly refused: number;
}

const { url, token, changing, aSecond } = workerData as FloodData;
const { hostname, host, port } = new URL(url);
const [header = '', claims = '', signature = ''] = token.split('.');
const signatureBytes = Buffer.from(signature, 'base64url').length;
/** Of the right length, and of RSA a number below any modulus: another would be refused for less. */
const randomSignature = (): string => randomBytes(signatureBytes).fill(0, 0, 1).toString('base64url');
const requestWith = (each: string): string =>
  `GET /tools HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${each}\r\n\r\n`;
const always = requestWith(token);
const next = (): string => (changing ? requestWith(`${header}.${claims}.${randomSignature()}`) : always);
// A connection on which 16 requests wait would be cut.
const sockets = Array.from({ length: 32 }, () => connect({ host: hostname, port: Number(port) }));
await Promise.all(sockets.map((socket) => once(socket, 'connect')));
let sent = 0;
let refused = 0;
for (const socket of sockets)
  socket.setEncoding('latin1').on('data', (text: string) => {
    refused += text.split('HTTP/1.1 4').length - 1;
  });

let timer: NodeJS.Timeout | undefined;
function go(): void {
  const [startedAt, before] = [performance.now(), sent];
  timer = setInterval(() => {
    const due = before + ((performance.now() - startedAt) * aSecond) / 1000;
    for (; sent < due; sent += 1) sockets[sent % sockets.length]?.write(next());
  }, 2);
}

parentPort?.on('message', (order: FloodOrder) => {
  clearInterval(timer);
  if (order === 'go') go();
  if (order !== 'end') return;
  for (const socket of sockets) socket.destroy();
  parentPort?.postMessage({ sent, refused } satisfies FloodCounts);
  parentPort?.close();
});
parentPort?.postMessage('ready');
