import type { RequestHandler } from 'express';
import type { Quota } from '../tools/quota.ts';
import { callerOf } from './authentication.ts';
import { sendProblem, type Problem } from './problem.ts';

/** Takes each request from the quota of its caller, who is known by now, and refuses those that it has no room for. */
export const withinQuota =
  (quota: Quota): RequestHandler =>
  (request, response, next) => {
    const waitSeconds = quota.take(callerOf(response).quotaKey);
    if (waitSeconds > 0) sendProblem(request, response, beyondQuota(waitSeconds));
    else next();
  };

/**
 * What a client beyond its quota is told of anything but a call: that, the executor refuses, and counts by its tool.
 * @param waitSeconds until it has room again
 */
export const beyondQuota = (waitSeconds: number): Problem => ({
  status: 429,
  refusedFor: 'rate_limited',
  detail: `Too many requests; try again in ${waitSeconds.toFixed(1)} s`,
  reason: 'rate_limited',
  data: { reason: 'rate_limited', retryAfterSeconds: waitSeconds },
  headers: { 'retry-after': String(Math.ceil(waitSeconds)) },
});

/** Of a client beyond its quota, no larger bodies are parsed, so that a flood of them is cheap to refuse. */
const BYTES_BEYOND = 65_536;

/** The largest body that is read of a client, by how long it has to wait. */
export const bodyLimit = (bodyBytes: number, waitSeconds: number): number =>
  waitSeconds > 0 ? Math.min(bodyBytes, BYTES_BEYOND) : bodyBytes;
