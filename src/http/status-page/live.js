// The script of the status page: asks the server how it is, again and again, and shows the answer.
// Runs in the browser as it stands here. All text goes into the page as text, never as markup.

/** @import { ErrorReason } from '../../tools/outcome.ts' */
/** @import { ActivityReport, ToolActivity } from '../../monitoring/activity.ts' */
/** @import { Status } from './status.ts' */

const POLL_MS = 3000;
/** While nobody sees more of the page than its title. */
const POLL_HIDDEN_MS = 30_000;
const PATIENCE_MS = 5000;
/** The lowest and the highest bound of the histogram of durations, in seconds; beyond them nothing is known. */
const SHORTEST = 0.005;
const LONGEST = 10;
const MARKS = { unknown: '·', good: '✓', warn: '!', bad: '✕' };

/** @type {<T extends Element = HTMLElement>(id: string) => T} */
const find = (id) => /** @type {any} */ (document.getElementById(id));

/** Changes a text only if it differs: screen readers and selections notice every change. */
function say(/** @type {Element | undefined} */ element, /** @type {string} */ text) {
  if (element && element.textContent !== text) element.textContent = text;
}

/** @type {(tag: string, text?: string) => HTMLElement} */
function make(tag, text = '') {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}

const numbers = new Intl.NumberFormat('en');
const number = (/** @type {number} */ value) => numbers.format(value);
const calls = (/** @type {number} */ count) => `${number(count)} ${count === 1 ? 'call' : 'calls'}`;
const percent = (/** @type {number} */ share) =>
  share > 0 && share < 0.01 ? 'under 1 %' : `${Math.floor(share * 100)} %`;
const lately = (/** @type {ActivityReport} */ { since_start }) =>
  since_start ? 'since the start' : 'in the last 5 minutes';

function duration(/** @type {number | null} */ seconds) {
  if (seconds === null) return '–';
  if (seconds >= LONGEST) return `> ${LONGEST} s`;
  if (seconds <= SHORTEST) return `< ${SHORTEST * 1000} ms`;
  return seconds >= 1 ? `${seconds.toFixed(1)} s` : `${(seconds * 1000).toFixed(0)} ms`;
}

function span(/** @type {number} */ seconds) {
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (hours >= 48) return `${Math.floor(hours / 24)} days`;
  if (hours > 0) return `${hours} h ${minutes % 60} min`;
  return minutes > 0 ? `${minutes} min` : `${Math.floor(seconds)} s`;
}

function showVerdict(/** @type {Status['verdict']} */ { level, headline, detail }) {
  document.body.dataset['level'] = level;
  say(find('mark'), MARKS[level]);
  say(find('headline'), headline);
  say(find('detail'), detail);
  document.title = `${headline} – nexus-mcp`;
}

function showFacts(
  /** @type {Status} */ { uptime_seconds, tools, sessions, sessions_limit, activity, metrics },
) {
  /** @type {Record<string, string>} */
  const facts = {};
  if (activity)
    facts['Calls in flight'] = number(activity.tools.reduce((sum, { in_flight }) => sum + in_flight, 0));
  facts['Sessions'] = `${number(sessions)} of ${number(sessions_limit)}`;
  facts['Tools'] = number(tools);
  facts['Running for'] = span(uptime_seconds);
  if (activity && activity.auth_failures > 0) facts['Refused credentials'] = number(activity.auth_failures);
  if (metrics === 'not_served') facts['Prometheus'] = 'cannot scrape (metrics.endpoint)';
  const list = find('facts');
  const names = Object.keys(facts);
  if ([...list.querySelectorAll('dt')].map(({ textContent }) => textContent).join() !== names.join()) {
    list.replaceChildren(
      ...names.map((name) => {
        const group = make('div');
        group.append(make('dt', name), make('dd'));
        return group;
      }),
    );
  }
  list.querySelectorAll('dd').forEach((value, index) => {
    say(value, facts[names[index] ?? ''] ?? '');
  });
}

const WIDTH = 600;
const HEIGHT = 56;

/** A bar for each part of the window: what succeeded, and on top of it what failed. */
function showHistory(/** @type {ActivityReport} */ activity) {
  const { history } = activity;
  const most = Math.max(1, ...history.map((interval) => interval.calls));
  const window = Math.max(300, activity.window_seconds);
  const bars = history.flatMap((interval) => {
    const x = WIDTH * (1 - interval.seconds_ago / window);
    const width = Math.max(0.5, (WIDTH * interval.seconds) / window - 3);
    let y = HEIGHT;
    const parts = {
      calls: interval.calls - interval.errors,
      others: interval.errors - interval.server_faults,
      faults: interval.server_faults,
    };
    return Object.entries(parts).map(([kind, count]) => {
      const bar = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
      const height = count > 0 ? Math.max(1.5, (count / most) * (HEIGHT - 2)) : 0;
      y -= height;
      for (const [name, value] of Object.entries({ x, y, width, height }))
        bar.setAttribute(name, value.toFixed(1));
      bar.setAttribute('class', kind);
      return bar;
    });
  });
  find('history').replaceChildren(...bars);
  const began = history.find(({ server_faults }) => server_faults > 0);
  const first = began
    ? `; the first failed by the server’s fault at most ${span(began.seconds_ago)} ago`
    : '';
  say(find('history-text'), `Calls ${lately(activity)}${first}`);
}

const failuresOf = (/** @type {ToolActivity} */ { errors }) =>
  Object.values(errors).reduce((sum, count) => sum + count, 0);

/** @type {Map<string, HTMLTableRowElement>} */
const rows = new Map();

function rowOf(/** @type {string} */ name) {
  let row = rows.get(name);
  if (!row) {
    row = document.createElement('tr');
    row.setAttribute('role', 'row');
    const head = make('th', name);
    head.setAttribute('scope', 'row');
    head.setAttribute('role', 'rowheader');
    row.append(head);
    for (let index = 0; index < 5; index += 1) row.insertCell().setAttribute('role', 'cell');
    row.cells[5]?.classList.add('why');
    rows.set(name, row);
  }
  return row;
}

const levelOf = (/** @type {ToolActivity} */ { failing, stuck, slow, server_faults }) =>
  failing ? 'bad' : stuck || slow || server_faults > 0 ? 'warn' : 'good';

function showTool(/** @type {ToolActivity} */ tool, /** @type {ActivityReport['reasons']} */ reasons) {
  const row = rowOf(tool.name);
  row.dataset['level'] = levelOf(tool);
  const failed = failuresOf(tool);
  say(row.cells[1], number(tool.calls));
  say(row.cells[2], failed === 0 ? '0' : `${number(failed)} (${percent(failed / tool.calls)})`);
  say(row.cells[3], duration(tool.p50_seconds));
  say(row.cells[4], duration(tool.p95_seconds));
  row.cells[2]?.classList.toggle('none', failed === 0);
  row.cells[4]?.classList.toggle('slow', tool.slow);
  const errors = /** @type {[ErrorReason, number][]} */ (Object.entries(tool.errors));
  const parts = errors
    .map(([reason, count]) => ({ reason, count, fault: reasons[reason].server_fault }))
    .sort((a, b) => Number(b.fault) - Number(a.fault) || b.count - a.count)
    .map(({ reason, count, fault }) => {
      const part = make('span', `${number(count)} ${reason}`);
      part.className = fault ? 'fault' : '';
      part.title = reasons[reason].when;
      return part;
    });
  const stalled = tool.stuck ? `, none ended for ${span(tool.stalled_seconds)}` : '';
  if (tool.in_flight > 0) parts.push(make('span', `${number(tool.in_flight)} in flight${stalled}`));
  const why = row.cells[5];
  if (why && why.textContent !== parts.map(({ textContent }) => textContent).join(', '))
    why.replaceChildren(...parts.flatMap((part, index) => (index === 0 ? [part] : [', ', part])));
  return row;
}

function showTools(/** @type {ActivityReport} */ activity) {
  const { tools, reasons } = activity;
  const busy = tools.filter((tool) => tool.calls > 0 || tool.in_flight > 0);
  busy.sort(
    (a, b) =>
      b.server_faults - a.server_faults ||
      Number(b.stuck || b.slow) - Number(a.stuck || a.slow) ||
      failuresOf(b) - failuresOf(a) ||
      b.calls - a.calls,
  );
  const wanted = busy.map((tool) => showTool(tool, reasons));
  const body = find('tools');
  if (wanted.length !== body.children.length || wanted.some((row, index) => body.children[index] !== row))
    body.replaceChildren(...wanted);
  find('table').hidden = busy.length === 0;

  const idle = tools.filter((tool) => tool.registered && !busy.includes(tool));
  find('idle').hidden = idle.length === 0;
  const what = `${number(idle.length)} ${idle.length === 1 ? 'tool' : 'tools'} without calls`;
  say(find('idle-summary'), `${what} ${lately(activity)}`);
  const texts = idle.map(({ name, calls_since_start }) =>
    calls_since_start > 0 ? `${name}, ${calls(calls_since_start)} before` : name,
  );
  const list = find('idle-list');
  if (texts.join('\n') !== [...list.children].map(({ textContent }) => textContent).join('\n'))
    list.replaceChildren(...texts.map((text) => make('li', text)));
}

function showLinks(/** @type {Status} */ { links }) {
  const element = find('links');
  if (element.children.length > 0) return;
  for (const path of links) {
    const link = make('a', path);
    link.setAttribute('href', `.${path}`); // a proxy may serve this page below some prefix
    element.append(link);
  }
}

let lastSeen = 0;

function show(/** @type {Status} */ status) {
  lastSeen = Date.now();
  delete document.body.dataset['stale'];
  say(find('brand'), `${status.name} ${status.version}`);
  showVerdict(status.verdict);
  showFacts(status);
  showLinks(status);
  find('activity').hidden = !status.activity;
  if (status.activity) {
    showHistory(status.activity);
    showTools(status.activity);
  }
  find('content').hidden = false;
  const entered = !find('access').hidden;
  find('access').hidden = true;
  if (entered) find('verdict').focus(); // the form had it, and is gone
  say(find('updated'), `As of ${new Date().toLocaleTimeString()}`);
}

function showGone(/** @type {string} */ problem) {
  document.body.dataset['stale'] = '';
  const seen = lastSeen === 0 ? '' : ` What follows is from ${span((Date.now() - lastSeen) / 1000)} ago.`;
  showVerdict({ level: 'bad', headline: 'The server does not answer', detail: `${problem}.${seen}` });
}

function askForToken(/** @type {boolean} */ wasRefused) {
  const headline = wasRefused ? 'This token is not known' : 'A token is needed';
  const detail = wasRefused
    ? 'The server refused it. Enter one of those that it was given (auth.token, auth.tokensFile).'
    : 'The setting metrics.needToken wants one. It stays in this tab until you leave the page.';
  showVerdict({ level: wasRefused ? 'warn' : 'unknown', headline, detail });
  find('token').setAttribute('aria-invalid', String(wasRefused));
  find('content').hidden = true;
  find('access').hidden = false;
}

let token = '';
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

async function poll() {
  clearTimeout(timer);
  try {
    const response = await fetch(location.pathname, {
      headers: { accept: 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
      cache: 'no-store',
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (response.status === 401) {
      askForToken(token !== '');
      return;
    }
    if (response.ok) show(await response.json());
    else showGone(`It answered with status ${response.status}`);
  } catch (error) {
    const late = error instanceof DOMException && error.name === 'TimeoutError';
    showGone(late ? `Nothing came within ${PATIENCE_MS / 1000} s` : 'It cannot be reached');
  }
  clearTimeout(timer);
  timer = setTimeout(poll, document.hidden ? POLL_HIDDEN_MS : POLL_MS);
}

find('access').addEventListener('submit', (event) => {
  event.preventDefault();
  token = /** @type {HTMLInputElement} */ (find('token')).value.trim();
  // So that a second refusal is news to a screen reader as well.
  showVerdict({ level: 'unknown', headline: 'Asking the server …', detail: '' });
  void poll();
});
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && find('access').hidden) void poll();
});
void poll();
