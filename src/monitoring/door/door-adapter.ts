import type { Connection } from './connection.ts';
import { isRequest, type Message } from './message.ts';

/** What carries the messages of a server; both lines of the TypeScript SDK have it. */
export interface DoorTransport {
  // Messages and what comes with them are typed differently by each SDK.
  onmessage?: ((message: never, extra?: never) => void) | undefined;
  onclose?: (() => void) | undefined;
  send(message: never, options?: never): Promise<void>;
  readonly sessionId?: string | undefined;
}

/** A server that can be connected to a transport. */
export interface DoorServer<Transport extends DoorTransport> {
  connect(transport: Transport): Promise<void>;
  readonly transport?: Transport | undefined;
}

/** Lets the messages of a transport that is in use pass through the door. */
export function passThroughDoor<Held>(transport: DoorTransport, connection: Connection<Held>): void {
  const { onmessage, onclose } = transport;
  transport.onmessage = (message: Message, extra?: never) => {
    connection.receive(message, extra, () => {
      onmessage?.(message as never, extra);
    });
  };
  const send = transport.send.bind(transport);
  transport.send = (message: Message, options?: never) => {
    connection.send(message);
    return send(message as never, options);
  };
  transport.onclose = () => {
    connection.close();
    onclose?.();
  };
}

/** Calls back with each transport that a server is connected to, now or later, when it is in use. */
export function onConnected<Transport extends DoorTransport>(
  server: DoorServer<Transport>,
  connected: (transport: Transport) => void,
): void {
  if (server.transport) connected(server.transport);
  const connect = server.connect.bind(server);
  server.connect = async (transport) => {
    await connect(transport);
    connected(transport);
  };
}

/**
 * Carries out each request that a transport passes on as the one that came in through `connection`: what lies between them
 * may queue requests, and pass one on in the context of another.
 */
export function runAsReceived<Held>(transport: DoorTransport, connection: Connection<Held>): void {
  const passedOn = new WeakSet<object>();
  const { onmessage } = transport;
  transport.onmessage = (message: Message, extra?: never) => {
    const pending = isRequest(message)
      ? connection.withId(message.id).find((each) => !passedOn.has(each))
      : undefined;
    if (pending) passedOn.add(pending);
    connection.runAs(pending, () => onmessage?.(message as never, extra));
  };
}
