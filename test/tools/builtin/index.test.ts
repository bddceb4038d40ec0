import { describe, expect, it } from 'vitest';
import { builtinToolsets } from '../../../src/tools/builtin/index.ts';
import { toolsIn } from '../../../src/tools/exported-tools.ts';
import type { TypedSchema } from '../../../src/tools/tool.ts';

const NETWORK = {
  allowPrivateAddresses: false,
  fetchTimeoutSeconds: 8,
  fetchMaxBytes: 1_000_000,
  fetchMaxRedirects: 5,
  dnsTimeoutSeconds: 3,
};

/** The contract with clients: tool names, and argument names with those that have a default marked. */
const CONTRACT = {
  calculator: {
    add: ['a', 'b'],
    subtract: ['a', 'b'],
    multiply: ['a', 'b'],
    divide: ['a', 'b'],
    statistics_functions: ['numbers', 'operation?'],
  },
  encoding: {
    base64_encode: ['text'],
    base64_decode: ['encoded_text'],
    url_encode: ['text'],
    url_decode: ['encoded_text'],
  },
  identifiers: {
    generate_uuid4: [],
    generate_multiple_uuids: ['count?', 'version?'],
    generate_random_token: ['length?', 'encoding?'],
    generate_hash: ['text', 'algorithm?'],
    generate_hmac: ['message', 'secret_key', 'algorithm?'],
  },
  json: {
    json_format: ['json_string', 'indent?'],
    convert_json_yaml: ['data', 'source_format', 'target_format'],
    json_path_extractor: ['json_string', 'json_path'],
  },
  network: {
    dns_lookup: ['hostname', 'record_type?'],
    fetch_url_content: ['url'],
    validate_ip_address: ['ip'],
    validate_url: ['url'],
  },
  text: { string_case_convert: ['text', 'case_type'] },
  time: {
    current_timestamp: [],
    unix_to_date: ['timestamp'],
    convert_timezone: ['date_string', 'from_timezone', 'to_timezone'],
  },
};

interface ObjectSchema {
  readonly type: string;
  readonly additionalProperties: boolean;
  readonly required?: readonly string[];
  readonly properties: Readonly<Record<string, { readonly description?: string; readonly type?: string }>>;
}

const published = (schema: unknown, side: 'input' | 'output') =>
  (schema as TypedSchema)['~standard'].jsonSchema[side]({ target: 'draft-2020-12' });

const toolsets = builtinToolsets({ network: NETWORK });
const tools = toolsets.flatMap((toolset) => toolset.tools);
const inputOf = (tool: (typeof tools)[number]) => published(tool.input, 'input') as unknown as ObjectSchema;

describe('the built-in toolsets', () => {
  it('offer the contracted tools with the contracted arguments, in a stable order', () => {
    const offered = toolsets.map((toolset) => [
      toolset.name,
      Object.fromEntries(
        toolset.tools.map((tool) => {
          const { properties, required = [] } = inputOf(tool);
          const names = Object.keys(properties).map((name) => (required.includes(name) ? name : `${name}?`));
          return [tool.name, names];
        }),
      ),
    ]);
    expect(offered).toEqual(Object.entries(CONTRACT));
    expect(tools).toHaveLength(25);
  });

  it.each(tools)('$name publishes strict, described arguments and a described result', (tool) => {
    const input = inputOf(tool);
    expect(input).toMatchObject({ type: 'object', additionalProperties: false });
    for (const [name, property] of Object.entries(input.properties)) {
      expect(property.description, name).toBeTruthy();
      if (property.type === 'string' && !('enum' in property) && !('pattern' in property)) {
        expect(property, name).toHaveProperty('maxLength');
      }
    }
    expect(published(tool.output, 'output')).toBeDefined();
  });

  it('run in workers exactly where input can keep the event loop busy', () => {
    const isolated = tools.filter(({ isolation }) => isolation === 'worker').map(({ name }) => name);
    expect(isolated).toEqual(Object.keys(CONTRACT.json));
  });

  it('let a worker find isolated tools again by their module', async () => {
    for (const toolset of toolsets.filter(({ tools: [first] }) => first?.isolation === 'worker')) {
      const exported = toolsIn((await import(toolset.moduleUrl)) as Record<string, unknown>);
      expect(exported).toEqual(toolset.tools);
    }
  });

  it('annotate only generators and clocks as not idempotent, and only network tools as open-world', () => {
    expect(tools.every(({ annotations }) => annotations.readOnly)).toBe(true);
    expect(tools.filter((tool) => !tool.annotations.idempotent).map(({ name }) => name)).toEqual([
      'generate_uuid4',
      'generate_multiple_uuids',
      'generate_random_token',
      'current_timestamp',
    ]);
    expect(tools.filter((tool) => tool.annotations.openWorld).map(({ name }) => name)).toEqual([
      'dns_lookup',
      'fetch_url_content',
    ]);
  });
});
