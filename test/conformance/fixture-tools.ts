/** The tools that the official conformance suite expects of a server, as a tool module. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  accepted,
  content,
  defineTool,
  elicit,
  failure,
  inputRequired,
  z,
  type ContentBlock,
  type InputRequest,
} from 'nexus-mcp/tools';

const tool = {
  title: 'Conformance fixture',
  description: 'A tool for the conformance suite.',
  input: z.strictObject({}),
  annotations: { readOnly: true, idempotent: true, openWorld: false },
};

const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';
const WAV = 'UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAAAAA==';
const image: ContentBlock = { type: 'image', data: PNG, mimeType: 'image/png' };

export const contentTools = [
  defineTool({
    ...tool,
    name: 'test_simple_text',
    handler: () => 'This is a simple text response for testing.',
  }),
  defineTool({ ...tool, name: 'test_image_content', handler: () => content([image]) }),
  defineTool({
    ...tool,
    name: 'test_audio_content',
    handler: () => content([{ type: 'audio', data: WAV, mimeType: 'audio/wav' }]),
  }),
  defineTool({
    ...tool,
    name: 'test_embedded_resource',
    handler: () => {
      const text = 'This is an embedded resource content.';
      const resource = { uri: 'test://embedded-resource', mimeType: 'text/plain', text };
      return content([{ type: 'resource', resource }]);
    },
  }),
  defineTool({
    ...tool,
    name: 'test_multiple_content_types',
    handler: () => {
      const text = JSON.stringify({ test: 'data', value: 123 });
      const resource = { uri: 'test://mixed-content-resource', mimeType: 'application/json', text };
      return content([
        { type: 'text', text: 'Multiple content types test:' },
        image,
        { type: 'resource', resource },
      ]);
    },
  }),
  defineTool({
    ...tool,
    name: 'test_error_handling',
    handler: () => failure('This tool intentionally returns an error for testing'),
  }),
];

const STEP_MS = 50;

export const notifyingTools = [
  defineTool({
    ...tool,
    name: 'test_tool_with_logging',
    handler: async (_args, context) => {
      context.log('info', 'Tool execution started');
      await sleep(STEP_MS);
      context.log('info', 'Tool processing data');
      await sleep(STEP_MS);
      context.log('info', 'Tool execution completed');
      return 'Logged three messages';
    },
  }),
  defineTool({
    ...tool,
    name: 'test_logging_tool',
    handler: (_args, context) => {
      context.log('info', 'Only for clients that asked for it');
      return 'Logged one message';
    },
  }),
  defineTool({
    ...tool,
    name: 'test_tool_with_progress',
    handler: async (_args, context) => {
      context.progress(0, 100);
      await sleep(STEP_MS);
      context.progress(50, 100);
      await sleep(STEP_MS);
      context.progress(100, 100);
      return 'Reported progress three times';
    },
  }),
  defineTool({
    ...tool,
    name: 'test_reconnection',
    handler: async (_args, context) => {
      context.releaseConnection();
      await sleep(STEP_MS);
      return 'Finished after the stream was closed';
    },
  }),
];

export const schemaTools = [
  defineTool({
    ...tool,
    name: 'test_custom_headers',
    input: {
      type: 'object',
      properties: {
        region: { type: 'string', 'x-mcp-header': 'Region' },
        priority: { type: 'integer', 'x-mcp-header': 'Priority' },
        verbose: { type: 'boolean', 'x-mcp-header': 'Verbose' },
        query: { type: 'string' },
      },
      required: ['region', 'priority', 'query'],
      additionalProperties: false,
    },
    handler: (args) => JSON.stringify(args),
  }),
  defineTool({
    ...tool,
    name: 'json_schema_2020_12_tool',
    input: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      $defs: {
        address: {
          $anchor: 'addressDef',
          type: 'object',
          properties: { street: { type: 'string' }, city: { type: 'string' } },
        },
      },
      properties: {
        name: { type: 'string' },
        address: { $ref: '#/$defs/address' },
        contactMethod: { type: 'string', enum: ['phone', 'email'] },
        phone: { type: 'string' },
        email: { type: 'string' },
      },
      allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
      if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
      // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
      then: { required: ['phone'] },
      else: { required: ['email'] },
      additionalProperties: false,
    },
    handler: (args) => JSON.stringify(args),
  }),
];

/** A form with the given fields, all of them required. */
const form = (message: string, properties: Readonly<Record<string, unknown>>): InputRequest =>
  elicit(message, { type: 'object', properties, required: Object.keys(properties) });

const nameForm = form('What is your name?', { name: { type: 'string' } });
const confirmation = form('Please confirm', { ok: { type: 'boolean' } });
const named = z.object({ name: z.string() });
const confirmed = z.object({ ok: z.literal(true) });

/** A tool without arguments that shows a form and returns the client's answer to it, whatever that is. */
const asking = (name: string, request: InputRequest) =>
  defineTool({
    ...tool,
    name,
    handler: (_args, { answers: { answer } }) =>
      answer === undefined
        ? inputRequired({ answer: request })
        : `Elicitation completed: ${JSON.stringify(answer)}`,
  });

const options = ['option1', 'option2', 'option3'];
const titled = (what: string) => [
  { const: 'value1', title: `First ${what}` },
  { const: 'value2', title: `Second ${what}` },
  { const: 'value3', title: `Third ${what}` },
];

export const elicitingTools = [
  defineTool({
    ...tool,
    name: 'test_elicitation',
    input: z.strictObject({ message: z.string() }),
    handler: ({ message }, { answers: { user } }) =>
      user === undefined
        ? inputRequired({
            user: form(message, {
              username: { type: 'string', description: "User's response" },
              email: { type: 'string', description: "User's email address" },
            }),
          })
        : `User response: ${JSON.stringify(user)}`,
  }),
  asking(
    'test_elicitation_sep1034_defaults',
    form('Please review the defaults', {
      name: { type: 'string', default: 'John Doe' },
      age: { type: 'integer', default: 30 },
      score: { type: 'number', default: 95.5 },
      status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
      verified: { type: 'boolean', default: true },
    }),
  ),
  asking(
    'test_elicitation_sep1330_enums',
    form('Please choose', {
      untitledSingle: { type: 'string', enum: options },
      titledSingle: { type: 'string', oneOf: titled('Option') },
      legacyEnum: {
        type: 'string',
        enum: ['opt1', 'opt2', 'opt3'],
        enumNames: ['Option One', 'Option Two', 'Option Three'],
      },
      untitledMulti: { type: 'array', items: { type: 'string', enum: options } },
      titledMulti: { type: 'array', items: { anyOf: titled('Choice') } },
    }),
  ),
  asking('test_streaming_elicitation', confirmation),
  // No tool can ask for sampling: this one is here to be stopped from trying.
  asking('test_missing_capability', {
    method: 'sampling/createMessage',
    params: { messages: [{ role: 'user', content: { type: 'text', text: 'Hello' } }], maxTokens: 100 },
  } as unknown as InputRequest),
];

export const inputRequiredTools = [
  defineTool({
    ...tool,
    name: 'test_input_required_result_elicitation',
    handler: (_args, { answers }) => {
      const user = accepted(answers['user_name'], named);
      return user ? `Hello, ${user.name}!` : inputRequired({ user_name: nameForm });
    },
  }),
  defineTool({
    ...tool,
    name: 'test_input_required_result_request_state',
    handler: (_args, { answers, state }) =>
      state === 'asked' && accepted(answers['confirm'], confirmed)
        ? 'state-ok'
        : inputRequired({ confirm: confirmation }, 'asked'),
  }),
  defineTool({
    ...tool,
    name: 'test_input_required_result_multi_round',
    handler: (_args, { answers, state }) => {
      const first = accepted(answers['step1'], named);
      if (first)
        return inputRequired(
          { step2: form('Step 2: What is your favorite color?', { color: { type: 'string' } }) },
          first,
        );
      const second = accepted(answers['step2'], z.object({ color: z.string() }));
      const { data: user } = named.safeParse(state);
      if (second && user) return `${user.name} likes ${second.color}`;
      return inputRequired({ step1: nameForm }, 'first round');
    },
  }),
  defineTool({
    ...tool,
    name: 'test_input_required_result_tampered_state',
    handler: (_args, { answers }) =>
      accepted(answers['confirm'], confirmed)
        ? 'confirmed'
        : inputRequired({ confirm: confirmation }, 'asked'),
  }),
];
