import type { Connection } from './connection.ts';
import { isRequest, type Message } from './message.ts';

/** What carries the messages of a server; both lines of the TypeScript SDK have it. */
export interface DoorTransport {
  // Messages and what comes with them are typed differently by each SDK.
  onmessage?: ((message: never, extra?: never) => void) | undefined;
  onclose?: (() => void) | undefined;
  start(): Promise<void>;
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
  transport.onclose = () => {
    connection.close();
    onclose?.();
  };
  sendThroughDoor(transport, connection);
}

/** The half of {@link passThroughDoor} for what goes out. */
export function sendThroughDoor<Held>(transport: DoorTransport, connection: Connection<Held>): void {
  const send = transport.send.bind(transport);
  transport.send = (message: Message, options?: never) => {
    connection.send(message);
    return send(message as never, options);
  };
}

/**
 * Calls back with each transport that a server is connected to, now or later: when the server takes its messages, and before
 * the first comes, as it may while the transport starts.
 * @param connected is told whether the transport was in use before, and returns the connection through which the messages
 * pass, if they do; that is closed when the transport cannot be started
 */
export function onConnected<Transport extends DoorTransport>(
  server: DoorServer<Transport>,
  connected: (transport: Transport, inUse: boolean) => Pick<Connection, 'close'> | undefined,
): void {
  if (server.transport) connected(server.transport, true);
  const connect = server.connect.bind(server);
  server.connect = async (transport) => {
    const start = transport.start.bind(transport);
    let connection: Pick<Connection, 'close'> | undefined;
    // The SDKs set their handlers on a transport, and start it then.
    transport.start = () => {
      transport.start = start;
      connection = connected(transport, false);
      return start();
    };
    try {
      await connect(transport);
    } catch (error) {
      connection?.close();
      throw error;
    } finally {
      transport.start = start;
    }
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
