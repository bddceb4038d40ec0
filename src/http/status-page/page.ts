import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { STYLE } from './style.ts';

export interface Page {
  readonly html: string;
  /** Lets the page run its own script and style, ask its own server, and nothing else. */
  readonly contentSecurityPolicy: string;
}

/** Puts the page together. It is the same for everyone: what it shows, its script asks for. */
export function loadPage(): Page {
  const script = readFileSync(new URL('live.js', import.meta.url), 'utf8');
  return {
    html: htmlWith(script),
    contentSecurityPolicy: [
      "default-src 'none'",
      `style-src '${digest(STYLE)}'`,
      `script-src '${digest(script)}'`,
      "connect-src 'self'",
      'img-src data:',
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
  };
}

const digest = (text: string): string => `sha256-${createHash('sha256').update(text).digest('base64')}`;

// Explicit roles, because the style lays the table out as a grid on a narrow screen, which takes the implied ones away.
const htmlWith = (script: string): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>nexus-mcp</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
<body>
<header>
<p id="brand">nexus-mcp</p>
<div role="status"><h1 id="verdict" tabindex="-1"><span id="mark" aria-hidden="true"></span><span id="headline">Asking the server …</span></h1></div>
<p id="detail"></p>
<noscript><p>This page needs JavaScript to stay current. <code>curl</code> gets the same as JSON.</p></noscript>
<form id="access" hidden>
<label for="token">Bearer token</label>
<input id="token" type="password" autocomplete="off" required aria-describedby="detail">
<button>Show</button>
</form>
</header>
<main id="content" hidden>
<dl id="facts"></dl>
<section id="upstreams" hidden>
<table role="table">
<caption>Upstreams</caption>
<thead role="rowgroup"><tr role="row">
<th role="columnheader" scope="col">Upstream</th>
<th role="columnheader" scope="col">State</th>
<th role="columnheader" scope="col">For</th>
<th role="columnheader" scope="col">Tools</th>
<th role="columnheader" scope="col"><abbr title="Tools that it lists and that are not offered, by why">Left out</abbr></th>
<th role="columnheader" scope="col" class="why">Why</th>
</tr></thead>
<tbody role="rowgroup" id="upstream-rows"></tbody>
</table>
</section>
<section id="activity">
<figure>
<figcaption id="history-text"></figcaption>
<svg role="img" aria-labelledby="history-text" viewBox="0 0 600 56" preserveAspectRatio="none"><path id="history-calls" class="calls"/><path id="history-others" class="others"/><path id="history-faults" class="faults"/></svg>
<p class="legend"><span class="key calls">succeeded</span> <span class="key others">failed on the caller’s side</span> <span class="key faults">failed by the server’s fault</span></p>
</figure>
<table id="table" role="table">
<caption>Tools</caption>
<thead role="rowgroup"><tr role="row">
<th role="columnheader" scope="col">Tool</th>
<th role="columnheader" scope="col">Calls</th>
<th role="columnheader" scope="col">Failed</th>
<th role="columnheader" scope="col"><abbr title="Half of the calls took no longer, as estimated from the histogram">p50</abbr></th>
<th role="columnheader" scope="col"><abbr title="95 % of the calls took no longer, as estimated from the histogram">p95</abbr></th>
<th role="columnheader" scope="col" class="why">Why</th>
</tr></thead>
<tbody role="rowgroup" id="tools"></tbody>
</table>
<details id="idle"><summary id="idle-summary"></summary><ul id="idle-list"></ul></details>
</section>
</main>
<footer><p id="links"></p><p id="updated"></p></footer>
<script type="module">${script}</script>
`;
