import { once } from 'node:events';
import { createServer, request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseMetrics, scrape } from '../support/metrics-text.ts';
import { runHere, serveHere, type ServerHere } from '../support/run-here.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { waitFor } from '../support/wait.ts';
import { ask } from './raw-client.ts';

const TEXT = 'text/plain; version=0.0.4; charset=utf-8';
const OPENMETRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

const OPENMETRICS_RANGES =
  'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5';
const TEXT_RANGES =
  'text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2';
/** What Prometheus 3 sends without further configuration. */
const PROMETHEUS_3 = `${OPENMETRICS_RANGES},${TEXT_RANGES}`;
/** The same with native histograms. */
const PROMETHEUS_3_PROTOBUF = `application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,${PROMETHEUS_3}`;

describe('probes', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer();
  });
  afterAll(() => server.stop());

  it.each(['/livez', '/healthz'])('%s says that the process lives', async (path) => {
    const { status, headers, body } = await ask(server.url, `GET ${path}`);
    expect(status).toBe(200);
    expect(headers.get('content-type')).toMatch(/^application\/json/);
    expect(JSON.parse(body)).toEqual({ status: 'ok' });
  });

  it('/readyz says that it is ready', async () => {
    const { status, body } = await ask(server.url, 'GET /readyz');
    expect(status).toBe(200);
    expect(JSON.parse(body)).toEqual({ status: 'ok', failing: [] });
  });
});

/** Keeps a call in flight while `during` runs. */
async function whileCallRuns(
  server: TestServer,
  tool_name: string,
  during: () => Promise<void>,
): Promise<void> {
  const gone = new AbortController();
  const call = server
    .execute(tool_name, tool_name === 'slow' ? { milliseconds: 25_000 } : {}, { signal: gone.signal })
    .catch(() => undefined);
  await waitFor(async () => {
    expect((await server.scrape()).value('mcp_tool_calls_in_flight', { tool_name })).toBe(1);
  });
  await during();
  gone.abort();
  await call;
}

describe('probes of a server that is busy', () => {
  let server: TestServer;
  beforeEach(async () => {
    const settings = { spins: { timeoutSeconds: 30 }, slow: { timeoutSeconds: 30 } };
    server = await startTestServer({ ops: { port: 0 }, tools: { settings } });
  });
  const status = async (path: string): Promise<number> =>
    (await ask(String(server.opsUrl), `GET ${path}`)).status;

  it('answer while a tool spins', async () => {
    await whileCallRuns(server, 'spins', async () => {
      for (const path of ['/livez', '/readyz', '/metrics']) expect(await status(path), path).toBe(200);
    });
    expect(await server.stop()).toBe(true);
  });

  it('say that it drains: alive, not ready, and clients are sent elsewhere', async () => {
    let stopped: Promise<boolean> | undefined;
    await whileCallRuns(server, 'slow', async () => {
      stopped = server.stop();
      const ready = await ask(String(server.opsUrl), 'GET /readyz');
      expect(ready.status).toBe(503);
      expect(JSON.parse(ready.body)).toEqual({ status: 'not ready', failing: ['draining'] });
      for (const path of ['/livez', '/metrics']) expect(await status(path), path).toBe(200);
      const main = await ask(server.url, 'GET /tools', { connection: undefined });
      expect(main.headers.get('connection')).toBe('close');
    });
    expect(await stopped).toBe(true);
  });
});

describe('/metrics', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer();
    await server.execute('echo', { text: 'hi' });
  });
  afterAll(() => server.stop());

  const askWith = (headers: Record<string, string | undefined> = {}) =>
    ask(server.url, 'GET /metrics', headers);

  it.each([
    undefined,
    '*/*',
    'text/plain',
    'text/plain;version=0.0.4',
    'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
    'application/json',
    'application/openmetrics-text;q=0.2, text/plain;q=0.5',
    'application/openmetrics-text;q=0',
    'application/openmetrics-text;q=nonsense',
    `${TEXT_RANGES},application/openmetrics-text;q=0.1`,
    ';;;,,,q=',
  ])('is Prometheus text for Accept: %s', async (accept) => {
    const { status, headers, body } = await askWith({ accept });
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe(TEXT);
    expect(body).not.toContain('# EOF');
    expect(body).toContain('# TYPE mcp_tool_calls_total counter\n');
    expect(parseMetrics(body).value('mcp_tool_calls_total', { tool_name: 'echo', status: 'success' })).toBe(
      1,
    );
  });

  it.each([
    PROMETHEUS_3,
    PROMETHEUS_3_PROTOBUF,
    'application/openmetrics-text',
    'APPLICATION/OpenMetrics-Text; version=1.0.0',
  ])('is OpenMetrics for Accept: %s', async (accept) => {
    const { status, headers, body } = await askWith({ accept });
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe(OPENMETRICS);
    expect(body.endsWith('\n# EOF\n')).toBe(true);
    expect(body.match(/# EOF/g)).toHaveLength(1);
    expect(body).toContain('# TYPE mcp_tool_calls counter\n');
    expect(body).not.toContain('\n\n');
    expect(parseMetrics(body).value('mcp_tool_calls_total', { tool_name: 'echo', status: 'success' })).toBe(
      1,
    );
  });

  it.each(['gzip', 'gzip, deflate, br', 'br;q=1.0, gzip;q=0.8', '*'])(
    'is compressed for Accept-Encoding: %s',
    async (encoding) => {
      const plain = await (
        await fetch(`${server.url}/metrics`, { headers: { 'accept-encoding': 'identity' } })
      ).text();
      const socketAnswer = await rawBytes(server.url, encoding);
      expect(socketAnswer.head).toMatch(/^content-encoding: gzip$/im);
      expect(socketAnswer.head).toMatch(/^vary: .*accept-encoding/im);
      expect(socketAnswer.body.length).toBeLessThan(plain.length / 4);
      // The process may have collected garbage for the first time meanwhile.
      const names = (text: string): Set<string> =>
        new Set(
          parseMetrics(text)
            .all.map(({ name }) => name)
            .filter((name) => !name.startsWith('nodejs_gc_')),
        );
      expect(names(gunzipSync(socketAnswer.body).toString())).toEqual(names(plain));
    },
  );

  it.each([undefined, 'identity', 'br', 'deflate', 'gzip;q=0', 'identity;q=1, gzip;q=0.5', ''])(
    'is not compressed for Accept-Encoding: %s',
    async (encoding) => {
      const { headers, body } = await askWith({ 'accept-encoding': encoding });
      expect(headers.get('content-encoding')).toBeNull();
      expect(body).toMatch(/^# HELP /);
      expect(Number(headers.get('content-length'))).toBe(Buffer.byteLength(body));
    },
  );

  it('counts requests by the route that matched, never by what was asked', async () => {
    await ask(server.url, 'GET /tools/no-such-tool-0123456789');
    await ask(server.url, 'GET /no-such-route-0123456789');
    await ask(server.url, 'PROPFIND /tools');
    const { body } = await askWith();
    expect(body).not.toContain('0123456789');
    const samples = parseMetrics(body);
    const seen = (http_route: string, http_response_status_code: string) =>
      samples.value('http_server_request_duration_seconds_count', { http_route, http_response_status_code });
    expect(seen('/tools/:name', '404')).toBe(1);
    expect(seen('unmatched', '404')).toBe(1);
    expect(seen('/tools', '405')).toBe(1);
    const methods = new Set(
      samples
        .select('http_server_request_duration_seconds_count')
        .map(({ labels }) => labels['http_request_method']),
    );
    expect(methods).toEqual(new Set(['GET', 'POST', '_OTHER']));
  });
});

/** A scrape as it comes over the wire. */
async function rawBytes(url: string, encoding: string): Promise<{ head: string; body: Buffer }> {
  const sent = request(`${url}/metrics`, { headers: { 'accept-encoding': encoding } }).end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const head = response.rawHeaders
    .map((text, index) => (index % 2 === 0 ? `${text}: ` : `${text}\n`))
    .join('');
  return { head, body: Buffer.concat(chunks) };
}

describe('ops.port', () => {
  const OPERATIONS = ['/metrics', '/livez', '/healthz', '/readyz'];
  let server: TestServer;
  let opsUrl: string;
  beforeAll(async () => {
    server = await startTestServer({ ops: { port: 0 } });
    opsUrl = String(server.opsUrl);
  });
  afterAll(() => server.stop());

  it.each(OPERATIONS)('moves %s away from the main port', async (path) => {
    expect((await ask(opsUrl, `GET ${path}`)).status).toBe(200);
    for (const method of ['GET', 'HEAD', 'POST'])
      expect((await ask(server.url, `${method} ${path}`)).status, method).toBe(404);
    expect((await ask(server.url, `GET ${path}`)).body).toContain('are at the operations port (ops.port)');
  });

  it.each(['/tools', '/tools/echo', '/execute', '/tools/echo/execute', '/mcp', '/openapi.json'])(
    'does not serve %s',
    async (path) => {
      for (const method of ['GET', 'POST']) {
        const { status, body } = await ask(opsUrl, `${method} ${path}`, {}, '{}');
        expect(status, method).toBe(404);
        expect(JSON.parse(body)).toMatchObject(path === '/mcp' ? { jsonrpc: '2.0' } : { error: 'Not Found' });
      }
    },
  );

  it('refuses other methods and broken requests in the same words as the main port', async () => {
    const answer = await ask(opsUrl, 'POST /metrics', {}, 'x'.repeat(10_000));
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('GET, HEAD');
    expect(JSON.parse(answer.body)).toMatchObject({ error: 'Method Not Allowed', reason: null });
    expect((await ask(opsUrl, 'GET /%zz')).status).toBe(404);
  });

  it('answers to any name, because Prometheus and the kubelet use all kinds', async () => {
    for (const host of ['nexus-mcp.tools.svc:9464', '10.1.2.3:9464', 'localhost'])
      expect((await ask(opsUrl, 'GET /metrics', { host })).status).toBe(200);
  });

  it('shows calls that were made on the main port', async () => {
    await server.execute('echo', { text: 'hi' });
    const samples = parseMetrics((await ask(opsUrl, 'GET /metrics')).body);
    expect(samples.value('mcp_tool_calls_total', { tool_name: 'echo', status: 'success' })).toBe(1);
  });
});

describe("the founding document's switches", () => {
  let server: ServerHere;
  afterEach(async () => {
    expect(await server.stop()).toBe(0);
  });
  const add = (url: string): Promise<Response> =>
    fetch(`${url}/execute`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"tool_name":"add","arguments":{"a":5,"b":3}}',
    });

  it('METRICS_ENDPOINT_ENABLED=false: /metrics is not there, everything else is', async () => {
    server = await serveHere([], { env: { METRICS_ENDPOINT_ENABLED: 'false' } });
    for (const method of ['GET', 'HEAD', 'POST'])
      expect((await fetch(`${server.url}/metrics`, { method })).status, method).toBe(404);
    expect(await (await fetch(`${server.url}/metrics`)).json()).toMatchObject({
      detail: 'There are no metrics: metrics.enabled or metrics.endpoint is false',
    });
    expect((await fetch(`${server.url}/livez`)).status).toBe(200);
    expect((await add(server.url)).status).toBe(200);
  });

  it('PROMETHEUS_REGISTRY_ENABLED=false: metrics are switched off, so there is no /metrics, and calls work', async () => {
    server = await serveHere([], { env: { PROMETHEUS_REGISTRY_ENABLED: 'false' } });
    expect((await add(server.url)).status).toBe(200);
    expect((await fetch(`${server.url}/nothing`)).status).toBe(404);
    for (const method of ['GET', 'HEAD', 'POST'])
      expect((await fetch(`${server.url}/metrics`, { method })).status, method).toBe(404);
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
  });

  it('both true, as they stand in the document, change nothing', async () => {
    server = await serveHere([], {
      env: { METRICS_ENDPOINT_ENABLED: 'true', PROMETHEUS_REGISTRY_ENABLED: 'true' },
    });
    await add(server.url);
    const samples = await scrape(server.url);
    expect(samples.value('mcp_tool_calls_total', { tool_name: 'add', status: 'success' })).toBe(1);
  });
});

describe('mcp_build_info', () => {
  it.each([
    ['abc1234', 'abc1234'],
    ['', 'unknown'],
  ])('says the revision of a build with NEXUS_REVISION=%s: %s', async (revision, shown) => {
    const server = await serveHere([], { env: { NEXUS_REVISION: revision } });
    const samples = await scrape(server.url);
    expect(samples.value('mcp_build_info', { revision: shown })).toBe(1);
    expect(await server.stop()).toBe(0);
  });
});

describe('a port that is taken', () => {
  it.each([
    ['server.port', (port: string) => ['--server.port', port]],
    ['ops.port', (port: string) => ['--server.port', '0', '--ops.port', port]],
  ])('is said in one line with what to do, and exit code 1: %s', async (setting, flags) => {
    const other = createServer();
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    try {
      const { code, stdout, stderr } = await runHere(['--log.level', 'silent', ...flags(String(port))]);
      expect(code).toBe(1);
      expect(stdout).toBe('');
      expect(stderr.trim().split('\n')).toHaveLength(1);
      expect(stderr).toMatch(new RegExp(`^nexus-mcp: cannot listen: .*EADDRINUSE.*127\\.0\\.0\\.1:${port}`));
      expect(stderr).toContain(`set ${setting} to a free port`);
    } finally {
      other.close();
    }
  });

  it('and an address that this machine does not have, just so', async () => {
    const { code, stderr } = await runHere(['--server.host', '192.0.2.1', '--server.port', '0']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^nexus-mcp: cannot listen: .*EADDRNOTAVAIL/);
  });
});

describe('timeouts', () => {
  it('of a request shorter than those of its headers start a server all the same', async () => {
    const server = await startTestServer({ server: { requestTimeoutSeconds: 1, headersTimeoutSeconds: 10 } });
    try {
      expect((await ask(server.url, 'GET /livez')).status).toBe(200);
    } finally {
      await server.stop();
    }
  });
});
