import { createHash } from 'node:crypto';
import type { RequestHandler } from 'express';

/** What the status page says. */
export interface Status {
  readonly name: string;
  readonly version: string;
  readonly ready: boolean;
  readonly tools: number;
  readonly sessions: number;
  readonly uptime_seconds: number;
}

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 44rem; margin: 3rem auto; padding: 0 1rem; }
dt { font-weight: 600; } dd { margin: 0 0 .5rem; }
`;

const HEADERS = {
  'content-security-policy': `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};

/** Answers `/`: a small page for a browser, JSON for everything else. */
export function statusPage(status: () => Status): RequestHandler {
  return (request, response) => {
    response.set(HEADERS);
    if (request.accepts(['json', 'html']) === 'html') response.type('html').send(page(status()));
    else response.json(status());
  };
}

const page = ({ name, version, ready, tools, sessions, uptime_seconds }: Status): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${name}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${name} ${version}</h1>
<dl>
<dt>State</dt><dd>${ready ? 'ready' : 'not ready'}, up for ${Math.floor(uptime_seconds)} s</dd>
<dt>Tools</dt><dd>${tools}: <a href="/tools">list</a>, <a href="/openapi.json">OpenAPI</a></dd>
<dt>Sessions</dt><dd>${sessions}</dd>
<dt>Metrics</dt><dd><a href="/metrics">/metrics</a></dd>
<dt>MCP endpoint</dt><dd><code>/mcp</code></dd>
</dl>
</body>
</html>
`;
