import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { REASONS } from '../../src/tools/reasons.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

type Json = Readonly<Record<string, unknown>>;

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly responses: Readonly<Record<string, Json>>;
  readonly requestBody?: Json;
}

interface Document {
  readonly openapi: string;
  readonly info: Json;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Json>>; readonly securitySchemes: Json };
  readonly security: readonly Json[];
}

let server: TestServer;
let document: Document;
let toolNames: readonly string[];
beforeAll(async () => {
  server = await startTestServer();
  document = (await (await fetch(`${server.url}/openapi.json`)).json()) as Document;
  const { tools } = (await (await fetch(`${server.url}/tools`)).json()) as { tools: { name: string }[] };
  toolNames = tools.map(({ name }) => name);
});
afterAll(() => server.stop());

const operations = (): readonly Operation[] =>
  Object.values(document.paths).flatMap((path) => Object.values(path));

/** Every `$ref` in a document with the part that it is relative to: the nearest one that has an `$id`. */
function* references(value: unknown, base: unknown): Generator<{ base: unknown; ref: string }> {
  if (typeof value !== 'object' || value === null) return;
  const here = '$id' in value ? value : base;
  for (const [key, part] of Object.entries(value)) {
    if (key === '$ref' && typeof part === 'string') yield { base: here, ref: part };
    else yield* references(part, here);
  }
}

/** Every description in a document, but not a field of that name. */
function* descriptions(value: unknown): Generator<string> {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, part] of Object.entries(value)) {
    if (key === 'description' && typeof part === 'string') yield part;
    else yield* descriptions(part);
  }
}

function follow(base: unknown, ref: string): unknown {
  const keys = ref
    .replace(/^#\/?/, '')
    .split('/')
    .filter((key) => key !== '');
  return keys.reduce<unknown>(
    (part, key) =>
      (part as Json | undefined)?.[decodeURIComponent(key).replaceAll('~1', '/').replaceAll('~0', '~')],
    base,
  );
}

describe('/openapi.json', () => {
  it('is OpenAPI 3.1 that says who it describes and how to authenticate', () => {
    expect(document.openapi).toMatch(/^3\.1\.\d$/);
    expect(document.info).toEqual({ title: 'nexus-mcp', version: '0.0.0' });
    expect(document.components.securitySchemes).toEqual({ bearer: { type: 'http', scheme: 'bearer' } });
    expect(document.security).toEqual([{}, { bearer: [] }]);
  });

  it('has a path for each tool, and none for what is no tool', () => {
    const executed = Object.keys(document.paths).flatMap(
      (path) => /^\/tools\/([^{}/]+)\/execute$/.exec(path)?.[1] ?? [],
    );
    expect(executed).toEqual(toolNames);
  });

  it('has the other routes of the REST API', () => {
    for (const [path, method] of [
      ['/tools', 'get'],
      ['/tools/{name}', 'get'],
      ['/execute', 'post'],
    ] as const)
      expect(document.paths[path], path).toHaveProperty(method);
  });

  it('gives each operation a name of its own', () => {
    const ids = operations().map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { summary, responses } of operations()) {
      expect(summary).toBeTruthy();
      expect(responses).toHaveProperty('200');
      for (const [status, { description }] of Object.entries(responses)) {
        expect(status).toMatch(/^[1-5]\d\d$/);
        expect(description).toBeTruthy();
      }
    }
  });

  it('describes in whole sentences', () => {
    const described = [...descriptions(document)];
    expect(described.length).toBeGreaterThan(100);
    for (const text of described) expect(text).toMatch(/^[A-Z][^]*\.$/);
  });

  it('declares the parameters that its paths have', () => {
    for (const [path, methods] of Object.entries(document.paths)) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      for (const operation of Object.values(methods)) {
        const { parameters = [] } = operation as {
          parameters?: { name: string; in: string; required: boolean }[];
        };
        expect(
          parameters.map(({ name }) => name),
          path,
        ).toEqual(named);
        for (const parameter of parameters) expect(parameter).toMatchObject({ in: 'path', required: true });
      }
    }
  });

  it('has no reference that leads nowhere', () => {
    const all = [...references(document, document)];
    expect(all.length).toBeGreaterThan(0);
    for (const { base, ref } of all) expect(follow(base, ref), ref).toBeDefined();
  });

  it('names every reason that a client is told, and every status that is answered', () => {
    const { properties } = document.components.schemas['Error'] as {
      properties: { reason: { enum: unknown[] } };
    };
    expect(properties.reason.enum).toEqual([...REASONS, null]);
    for (const path of ['/execute', '/tools/add/execute']) {
      const statuses = Object.keys(document.paths[path]?.['post']?.responses ?? {});
      const expected = [200, 400, 401, 403, 404, 413, 415, 422, 429, 500, 503, 504].map(String);
      expect(statuses.sort()).toEqual(expected);
    }
    const { 503: unavailable } = document.paths['/execute']?.['post']?.responses ?? {};
    expect(unavailable?.['description']).toMatch(/could not be reached.*no free place/s);
  });

  it('has schemas that a validator accepts, and that accept what the server does', async () => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema(document, 'doc');
    const schemaAt = (path: string, rest: string) =>
      ajv.compile({
        $ref: `doc#/paths/${path.replaceAll('/', '~1')}/post/${rest}/content/application~1json/schema`,
      });
    for (const name of toolNames) {
      expect(schemaAt(`/tools/${name}/execute`, 'requestBody'), name).toBeDefined();
      expect(schemaAt(`/tools/${name}/execute`, 'responses/200'), name).toBeDefined();
    }

    const { body: success } = (await server.execute('statistics_functions', { numbers: [1, 2] })) as {
      body: unknown;
    };
    const { body: failure } = (await server.execute('fails')) as { body: unknown };
    const { body: invalid } = (await server.execute('add', { a: 1 })) as { body: unknown };
    const ran = schemaAt('/tools/statistics_functions/execute', 'responses/200');
    expect(ran(success), JSON.stringify(ran.errors)).toBe(true);
    expect(schemaAt('/tools/fails/execute', 'responses/200')(failure)).toBe(true);
    expect(schemaAt('/tools/add/execute', 'responses/422')(invalid)).toBe(true);

    const addBody = schemaAt('/tools/add/execute', 'requestBody');
    expect(addBody({ arguments: { a: 1, b: 2 } })).toBe(true);
    for (const wrong of [{}, { a: 1, b: 2 }, { arguments: {} }, { arguments: { a: '1', b: 2 } }, []])
      expect(addBody(wrong), JSON.stringify(wrong)).toBe(false);
    expect(schemaAt('/tools/current_timestamp/execute', 'requestBody')({})).toBe(true);
    const named = schemaAt('/execute', 'requestBody');
    expect(named({ tool_name: 'add', arguments: { a: 1, b: 2 } })).toBe(true);
    expect(named({ tool_name: 'nope' })).toBe(false);
  });
});

it('describes the tools of a server whose tools are all switched off', async () => {
  const bare = await startTestServer({ tools: { modules: [], disabled: ['*'] } });
  try {
    const response = await fetch(`${bare.url}/openapi.json`);
    const { paths } = (await response.json()) as Document;
    expect(Object.keys(paths)).toEqual(['/tools', '/tools/{name}', '/execute']);
  } finally {
    await bare.stop();
  }
});
