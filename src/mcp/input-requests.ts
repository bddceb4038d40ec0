import { specTypeSchemas } from '@modelcontextprotocol/server';
import { fieldOf } from '../monitoring/door/message.ts';
import type { InputRequired } from '../tools/result.ts';
import { inWords } from './words.ts';

const { ElicitRequest, ElicitRequestFormParams, ElicitRequestURLParams } = specTypeSchemas;

/** Why MCP has no such requests for input (2025-11-25 and 2026-07-28, "Elicitation"), if it has not. */
export function problemOfRequests(requests: InputRequired['requests']): string | undefined {
  for (const [key, { method, params }] of Object.entries(requests)) {
    // Of its parameters a request in general would not say which form they break.
    const form = fieldOf(params, 'mode') === 'url' ? ElicitRequestURLParams : ElicitRequestFormParams;
    const { issues } = form['~standard'].validate(params);
    const problems = issues ?? ElicitRequest['~standard'].validate({ method, params }).issues;
    if (problems) return `requests.${key}: ${inWords(problems)}`;
  }
  return undefined;
}
