import { specTypeSchemas, type JSONRPCMessage } from '@modelcontextprotocol/server';
import { ERROR_CODES } from '../monitoring/door/json-rpc.ts';
import { fieldOf } from '../monitoring/door/message.ts';
import { problemsIn, type Issue } from '../tools/problems.ts';
import { MODERN_VERSION, VERSIONS } from './versions.ts';

/**
 * The error that names the revisions which are served (MCP 2026-07-28, "Protocol Version").
 * @param isStateless whether the request says its revision itself: such are served by those that server/discover lists
 */
export function unsupportedVersion(version: string, isStateless: boolean) {
  const requested = version.slice(0, MAX_LENGTH);
  return {
    code: ERROR_CODES.unsupportedProtocolVersion,
    message: `The protocol version ${requested} is not served; those served are ${VERSIONS.join(', ')}`,
    data: { supported: isStateless ? [MODERN_VERSION] : VERSIONS, requested },
  };
}

const MAX_LENGTH = 100;

/** What a validator found, in one line. */
export const inWords = (issues: readonly Issue[]): string =>
  problemsIn(issues, 'the whole', inOneLine).join('; ');

/** The SDK puts the issues of one validator into a message of another, as JSON of many lines. */
const inOneLine = (message: string): string =>
  message.replace(/^Invalid input: /, '').replaceAll(/[\n[{]/g, ' ');

const invalidRequest = (issues: readonly Issue[]): string => `Invalid request: ${inWords(issues)}`;

/** What is wrong with an `initialize`, in one sentence; `undefined` when nothing is. */
export function problemOfInitialize(body: unknown): string | undefined {
  const { issues } = specTypeSchemas.InitializeRequest['~standard'].validate(body);
  return issues && invalidRequest(issues);
}

/**
 * Puts an error of the SDK in words for whoever reads it: the SDK answers with the JSON of what its validator found, and
 * with the revisions of one era only.
 */
export function reworded(message: JSONRPCMessage): JSONRPCMessage {
  if (!('error' in message)) return message;
  const { code, message: text, data } = message.error;
  const requested = fieldOf(data, 'requested');
  if (code === ERROR_CODES.unsupportedProtocolVersion && typeof requested === 'string')
    return { ...message, error: unsupportedVersion(requested, true) };
  const issues = issuesIn(text);
  if (!issues) return message;
  // What the SDK throws while it reads a request, it takes for a fault of its own.
  const mended = text.startsWith('[') ? ERROR_CODES.invalidParams : code;
  return { ...message, error: { ...message.error, code: mended, message: invalidRequest(issues) } };
}

/** The issues of a validator that are all that a text says, besides what was validated. */
function issuesIn(text: string): readonly Issue[] | undefined {
  const [, json] = /^(?:Invalid \S+ \w+: )?(\[[^]*\])$/.exec(text) ?? [];
  if (json === undefined) return undefined;
  try {
    const issues = JSON.parse(json) as unknown;
    return Array.isArray(issues) && issues.every(isIssue) ? issues : undefined;
  } catch {
    return undefined;
  }
}

const isIssue = (value: unknown): value is Issue =>
  typeof fieldOf(value, 'message') === 'string' && Array.isArray(fieldOf(value, 'path') ?? []);
