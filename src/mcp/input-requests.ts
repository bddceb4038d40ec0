import { specTypeSchemas } from '@modelcontextprotocol/server';
import { fieldOf } from '../monitoring/door/message.ts';
import type { InputRequired } from '../tools/result.ts';
import { inWords } from './words.ts';

const { ElicitRequest, ElicitRequestFormParams, ElicitRequestURLParams } = specTypeSchemas;

const isByUrl = (params: unknown): boolean => fieldOf(params, 'mode') === 'url';

/** Whether a client with this `elicitation` capability can answer forms (MCP 2025-11-25: one that names no mode means forms). */
export const answersForms = (elicitation: unknown): boolean =>
  typeof elicitation === 'object' &&
  elicitation !== null &&
  (fieldOf(elicitation, 'form') !== undefined || Object.keys(elicitation).length === 0);

/** Whether a client with this `elicitation` capability can answer requests. */
export const answers = (elicitation: unknown, requests: InputRequired['requests']): boolean =>
  Object.values(requests).every(({ params }) =>
    isByUrl(params) ? fieldOf(elicitation, 'url') !== undefined : answersForms(elicitation),
  );

const TAKES_FORMS =
  'elicit takes a JSON Schema object, not of zod, whose properties are texts, numbers, booleans or choices';

/** Why MCP has no such requests for input (2025-11-25 and 2026-07-28, "Elicitation"), if it has not. */
export function problemOfRequests(requests: InputRequired['requests']): string | undefined {
  for (const [key, { method, params }] of Object.entries(requests)) {
    // Of its parameters a request in general would not say which form they break.
    const form = isByUrl(params) ? ElicitRequestURLParams : ElicitRequestFormParams;
    const { issues } = form['~standard'].validate(params);
    const problems = issues ?? ElicitRequest['~standard'].validate({ method, params }).issues;
    if (problems) return `requests.${key}: ${inWords(problems)}; ${TAKES_FORMS}`;
  }
  return undefined;
}
