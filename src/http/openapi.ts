import { ERROR_REASONS, REASONS } from '../tools/reasons.ts';
import type { OfferedTool } from '../tools/offered-tool.ts';
import type { JsonSchema } from '../tools/tool.ts';

const json = (schema: JsonSchema) => ({ 'application/json': { schema } });

const errorSchema = {
  type: 'object',
  required: ['error', 'detail', 'tool_name', 'reason'],
  properties: {
    error: { type: 'string', description: 'The name of the HTTP status.' },
    detail: { type: 'string', description: 'What is wrong and what to do.' },
    tool_name: { type: ['string', 'null'] },
    reason: {
      enum: [...REASONS, null],
      description:
        'The reason that the metrics have. But a tool that the caller may not use is `unknown_tool` here, and `denied` only where a further scope would do.',
    },
  },
};

/** Describes the REST API in OpenAPI 3.1, with every tool's own path, arguments and result. */
export function openApi(tools: readonly OfferedTool[], info: { name: string; version: string }): JsonSchema {
  const object = { type: 'object' };
  const answered = (description: string) => ({ description, content: json(object) });
  const executeBody = {
    type: 'object',
    required: ['tool_name'],
    additionalProperties: false,
    properties: { tool_name: { enum: tools.map(({ name }) => name) }, arguments: object },
  };
  return {
    openapi: '3.1.0',
    info: { title: info.name, version: info.version },
    // A token is needed only where the operator has set some.
    security: [{}, { bearer: [] }],
    components: {
      schemas: { Error: errorSchema },
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
    },
    paths: {
      '/tools': {
        get: {
          operationId: 'listTools',
          summary: 'List the tools',
          responses: { 200: answered('The answer has the tools.') },
        },
      },
      '/tools/{name}': {
        get: {
          operationId: 'showTool',
          summary: 'Show a tool',
          parameters: [{ name: 'name', in: 'path', required: true, schema: { type: 'string' } }],
          responses: {
            200: answered('The answer is the tool.'),
            404: { description: 'There is no such tool.', content: json(errorRef) },
          },
        },
      },
      '/execute': {
        post: {
          operationId: 'execute',
          summary: 'Call a tool by name',
          requestBody: { required: true, content: json(executeBody) },
          responses: { 200: { description: RAN, content: json(ranSchema({})) }, ...errors },
        },
      },
      ...Object.fromEntries(tools.map((tool) => [`/tools/${tool.name}/execute`, { post: operation(tool) }])),
    },
  };
}

const errorRef = { $ref: '#/components/schemas/Error' };

const sentence = (clause: string): string => `${clause.charAt(0).toUpperCase()}${clause.slice(1)}.`;

const RAN = 'The tool ran.';
const NOT_SERVED = 'the Host or the Origin is not one that is served';

/** By status; several reasons share one. Clients never see 499. */
const errors = {
  400: { description: 'The body is malformed.', content: json(errorRef) },
  401: { description: 'A bearer token is needed, or is not valid.', content: json(errorRef) },
  413: { description: 'The body is too large.', content: json(errorRef) },
  415: { description: 'The body is not application/json in UTF-8.', content: json(errorRef) },
  ...Object.fromEntries(
    REASONS.map((reason) => ERROR_REASONS[reason])
      .filter(({ httpStatus }) => httpStatus !== 200 && httpStatus !== 499)
      .map(({ httpStatus }) => [
        httpStatus,
        { description: sentence(whenAnswered(httpStatus)), content: json(errorRef) },
      ]),
  ),
};

function whenAnswered(status: number): string {
  const reasons = REASONS.map((reason) => ERROR_REASONS[reason]).filter(
    ({ httpStatus }) => httpStatus === status,
  );
  return [...reasons.map(({ when }) => when), ...(status === 403 ? [NOT_SERVED] : [])].join('; or ');
}

function operation({ name, listing }: OfferedTool) {
  const body = {
    type: 'object',
    additionalProperties: false,
    ...(hasRequired(listing.inputSchema) && { required: ['arguments'] }),
    properties: { arguments: own(listing.inputSchema, `${name}:input`) },
  };
  const result = listing.outputSchema ? own(listing.outputSchema, `${name}:output`) : {};
  return {
    operationId: `execute.${name}`,
    summary: listing.title,
    description: listing.description,
    requestBody: { required: true, content: json(body) },
    responses: { 200: { description: RAN, content: json(ranSchema(result)) }, ...errors },
  };
}

const hasRequired = ({ required }: JsonSchema): boolean => Array.isArray(required) && required.length > 0;

/** Gives a schema a base of its own, so that its `#/$defs/...` references stay inside it. */
const own = (schema: JsonSchema, id: string): JsonSchema => ({ $id: `urn:nexus-mcp:${id}`, ...schema });

const ranSchema = (result: JsonSchema): JsonSchema => ({
  type: 'object',
  required: ['tool_name', 'arguments', 'result', 'status', 'execution_time'],
  properties: {
    tool_name: { type: 'string' },
    arguments: { type: 'object' },
    result: { anyOf: [result, { type: 'null' }] },
    status: { enum: ['success', 'error'] },
    reason: { const: 'tool_error' },
    detail: { type: 'string' },
    execution_time: { type: 'number', description: 'How long the call took, in seconds.' },
  },
});
