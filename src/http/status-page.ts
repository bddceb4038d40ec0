import type { Request, RequestHandler, Response } from 'express';
import { noticeRefusal, sendProblem, type Problem } from './problem.ts';
import { loadPage } from './status-page/page.ts';
import type { Facts, Status } from './status-page/status.ts';
import { judge } from './status-page/verdict.ts';

/** Answers `/`: a page for a browser, which asks for the JSON that everything else gets. */
export interface StatusPage {
  readonly serve: RequestHandler;
  /** Refuses a request; a browser gets the page all the same, to enter its token on. It says nothing by itself. */
  readonly refuse: (request: Request, response: Response, problem: Problem) => void;
}

/** @param facts what there is to say now */
export function statusPage(facts: () => Facts): StatusPage {
  const { html, contentSecurityPolicy } = loadPage();
  const headers = {
    'content-security-policy': contentSecurityPolicy,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
  };
  return {
    serve(request, response) {
      response.set(headers).vary('Accept');
      if (isBrowser(request)) {
        response.type('html').send(html);
        return;
      }
      const { name, title, version, ...rest } = facts();
      const verdict = judge(rest);
      const status = { name, title, version, verdict, ...rest } satisfies Status;
      response.type('json').send(JSON.stringify(status, toMilliseconds));
    },
    refuse(request, response, problem) {
      response.set(headers).vary('Accept');
      if (!isBrowser(request)) sendProblem(request, response, problem);
      else {
        noticeRefusal(request, response, problem);
        response.status(problem.status).set(problem.headers ?? {});
        response.type('html').send(html);
      }
    },
  };
}

/** Nobody reads more of a time. */
const toMilliseconds = (key: string, value: unknown): unknown =>
  typeof value === 'number' && key.endsWith('seconds') ? Number(value.toFixed(3)) : value;

const isBrowser = (request: Request): boolean => request.accepts(['json', 'html']) === 'html';
