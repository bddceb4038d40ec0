import { areUp } from '../upstream/state-now.ts';
import { startIssuer, type TestIssuer } from './issuer.ts';
import { startTestServer, type TestServer } from './test-server.ts';

export const RESOURCE = 'https://mcp.example.com/mcp';

export type Event = Readonly<Record<string, unknown>>;

/** A server that writes audit events into its log, with an issuer of tokens and an upstream named `behind`. */
export interface AuditedServer {
  readonly server: TestServer;
  readonly issuer: TestIssuer;
  readonly behind: TestServer;
  /** @param from how many log lines are left out */
  readonly events: (from?: number) => Event[];
  readonly stop: () => Promise<void>;
}

/** @param auth its static tokens */
export async function startAuditedServer(auth: object, limits: object = {}): Promise<AuditedServer> {
  const issuer = await startIssuer();
  const behind = await startTestServer({ tools: { enabled: ['echo'] }, limits: { callsPerSecond: 0 } });
  const server = await startTestServer({
    audit: { enabled: true },
    auth: {
      ...auth,
      resource: RESOURCE,
      issuers: [{ issuer: issuer.issuer, scopes: { read: ['echo'], admin: ['*'] } }],
    },
    limits,
    upstreams: [{ name: 'behind', url: `${behind.url}/mcp` }],
    tools: { disabled: ['hangs'] },
  });
  await areUp(server, 'behind');
  return {
    server,
    issuer,
    behind,
    events: (from = 0) => server.logs.slice(from).filter(({ stream }) => stream === 'audit'),
    stop: async () => {
      await server.stop();
      await behind.stop();
      await issuer.stop();
    },
  };
}

export const bearer = (token: string): { authorization: string } => ({ authorization: `Bearer ${token}` });
