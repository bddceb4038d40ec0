// The script of the status page: asks the server how it is, again and again, and shows the answer.
// Runs in the browser as it stands here. All text goes into the page as text, never as markup.

/** @import { ErrorReason } from '../../tools/reasons.ts' */
/** @import { ActivityReport, ToolActivity } from '../../monitoring/activity.ts' */
/** @import { DiscoveryReport, UpstreamReport } from '../../upstream/labels.ts' */
/** @import { Status } from './status.ts' */

const POLL_MS = 3000;
/** While nobody sees more of the page than its title. */
const POLL_HIDDEN_MS = 30_000;
const PATIENCE_MS = 5000;
/** The lowest bound of the histogram of durations, in seconds; below it nothing is known. */
const SHORTEST = 0.005;

const find = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** @type {(tag: string, attributes: Record<string, string>, ...children: (Node | string)[]) => HTMLElement} */
function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Gives an element its children, and touches only what differs: screen readers and selections notice every change. */
function fill(/** @type {Element} */ element, /** @type {(Node | string)[]} */ ...children) {
  const wanted = make(element.tagName, {}, ...children);
  while (element.childNodes.length > wanted.childNodes.length) element.lastChild?.remove();
  [...wanted.childNodes].forEach((node, index) => {
    const old = element.childNodes[index];
    if (!old) element.append(node);
    else if (old.isEqualNode(node)) return;
    else if (old.childNodes.length > 0 && old.cloneNode().isEqualNode(node.cloneNode()))
      fill(/** @type {Element} */ (old), ...node.childNodes);
    else old.replaceWith(node);
  });
}

const numbers = new Intl.NumberFormat('en');
const number = (/** @type {number} */ value) => numbers.format(value);
const percent = (/** @type {number} */ share) =>
  share < 0.01 ? 'under 1 %' : `${Math.floor(share * 100)} %`;
const sum = (/** @type {number[]} */ values) => values.reduce((total, value) => total + value, 0);
const lately = (/** @type {ActivityReport} */ { since_start }) =>
  since_start ? 'since the start' : 'in the last 5 minutes';

/** @type {(seconds: number | null, longest: number) => string} */
function duration(seconds, longest) {
  if (seconds === null) return '–';
  if (seconds >= longest) return `> ${number(longest)} s`;
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
  fill(find('headline'), headline);
  fill(find('detail'), detail);
  document.title = `${headline} – nexus-mcp`;
}

function showFacts(
  /** @type {Status} */
  { uptime_seconds, tools, sessions, sessions_limit, activity, metrics, event_loop, heap, places, discovery },
) {
  const facts = {
    'Calls in flight': activity && number(sum(activity.tools.map(({ in_flight }) => in_flight))),
    Sessions: `${number(sessions)} of ${number(sessions_limit)}`,
    Tools: number(tools),
    'Running for': span(uptime_seconds),
    'Event loop': event_loop && `${percent(event_loop.utilization)} busy`,
    Heap: heap?.kept_bytes ? `${percent(heap.kept_bytes / heap.limit_bytes)} full` : undefined,
    Places:
      places &&
      `${number(places.taken)} of ${number(places.limit)}${places.waiting > 0 ? `, ${number(places.waiting)} waiting` : ''}`,
    'Refused credentials': activity?.auth_failures && number(activity.auth_failures),
    'Found in Kubernetes': discovery && found(discovery),
    Prometheus: metrics === 'not_served' && 'cannot scrape (metrics.endpoint)',
  };
  const said = Object.entries(facts).filter(([, fact]) => fact);
  const group = (/** @type {unknown[]} */ [name, fact]) =>
    make('div', {}, make('dt', {}, String(name)), make('dd', {}, String(fact)));
  fill(find('facts'), ...said.map(group));
}

function found(/** @type {DiscoveryReport} */ { upstreams, refused_count, age_seconds }) {
  const refused = refused_count > 0 ? `, ${number(refused_count)} Services refused` : '';
  return `${number(upstreams)} upstreams${refused}, looked up ${span(age_seconds)} ago`;
}

const WIDTH = 600;
const HEIGHT = 56;

/** A bar for each part of the window: what succeeded, and on top of it what failed. */
function showHistory(/** @type {ActivityReport} */ activity) {
  const { history } = activity;
  const most = Math.max(1, ...history.map(({ calls }) => calls));
  const window = Math.max(300, activity.window_seconds);
  const shapes = { calls: '', others: '', faults: '' };
  for (const { seconds_ago, seconds, calls, errors, server_faults } of history) {
    const x = WIDTH * (1 - seconds_ago / window);
    const width = Math.max(0.5, (WIDTH * seconds) / window - 3);
    let y = HEIGHT;
    const parts = { calls: calls - errors, others: errors - server_faults, faults: server_faults };
    for (const [kind, count] of /** @type {[keyof typeof parts, number][]} */ (Object.entries(parts))) {
      const height = count > 0 ? Math.max(1.5, (count / most) * (HEIGHT - 2)) : 0;
      y -= height;
      shapes[kind] += `M${x} ${y}h${width}v${height}h${-width}z`;
    }
  }
  for (const [kind, shape] of Object.entries(shapes)) find(`history-${kind}`).setAttribute('d', shape);
  const began = history.find(({ server_faults }) => server_faults > 0);
  const first = began && `; the first failed by the server’s fault at most ${span(began.seconds_ago)} ago`;
  fill(find('history-text'), `Calls ${lately(activity)}${first ?? ''}`);
}

const failuresOf = (/** @type {ToolActivity} */ { errors }) => sum(Object.values(errors));

function rowOf(
  /** @type {ToolActivity} */ tool,
  /** @type {ActivityReport} */ { reasons, highest_bound_seconds, latency },
) {
  const { name, calls, failing, stuck, server_faults, in_flight } = tool;
  const slow = tool.slow || (latency.missed && (tool.p95_seconds ?? 0) > latency.threshold_seconds);
  const level = failing ? 'bad' : stuck || slow || server_faults > 0 ? 'warn' : 'good';
  const failed = failuresOf(tool);
  const errors = /** @type {[ErrorReason, number][]} */ (Object.entries(tool.errors));
  const rank = (/** @type {ErrorReason} */ reason) => Number(reasons[reason].server_fault);
  errors.sort(([a, countOfA], [b, countOfB]) => rank(b) - rank(a) || countOfB - countOfA);
  const why = errors.map(([reason, count]) => {
    const { server_fault, when } = reasons[reason];
    return make('span', { class: server_fault ? 'fault' : '', title: when }, `${number(count)} ${reason}`);
  });
  const stalled = stuck ? `, none ended for ${span(tool.stalled_seconds)}` : '';
  if (in_flight > 0) why.push(make('span', {}, `${number(in_flight)} in flight${stalled}`));
  const cell = (/** @type {string} */ kind, /** @type {(Node | string)[]} */ ...content) =>
    make('td', { role: 'cell', class: kind }, ...content);
  return make(
    'tr',
    { role: 'row', 'data-level': level },
    make('th', { role: 'rowheader', scope: 'row' }, name),
    cell('', number(calls)),
    failed > 0 ? cell('', `${number(failed)} (${percent(failed / calls)})`) : cell('none', '0'),
    cell('', duration(tool.p50_seconds, highest_bound_seconds)),
    cell(slow ? 'slow' : '', duration(tool.p95_seconds, highest_bound_seconds)),
    cell('why', ...why.flatMap((part, index) => (index === 0 ? [part] : [', ', part]))),
  );
}

function showTools(/** @type {ActivityReport} */ activity) {
  const { tools } = activity;
  const isBusy = (/** @type {ToolActivity} */ { calls, in_flight }) => calls > 0 || in_flight > 0;
  const busy = tools
    .filter(isBusy)
    .sort(
      (a, b) =>
        b.server_faults - a.server_faults ||
        Number(b.stuck || b.slow) - Number(a.stuck || a.slow) ||
        failuresOf(b) - failuresOf(a) ||
        b.calls - a.calls,
    );
  find('table').hidden = busy.length === 0;
  fill(find('tools'), ...busy.map((tool) => rowOf(tool, activity)));

  const idle = tools.filter((tool) => tool.registered && !isBusy(tool));
  find('idle').hidden = idle.length === 0;
  const what = `${number(idle.length)} ${idle.length === 1 ? 'tool' : 'tools'} without calls`;
  fill(find('idle-summary'), `${what} ${lately(activity)}`);
  const items = idle.map(({ name, calls_since_start: before }) => {
    const calls = `, ${number(before)} ${before === 1 ? 'call' : 'calls'} before`;
    return make('li', {}, before > 0 ? name + calls : name);
  });
  fill(find('idle-list'), ...items);
}

const LEVELS = { up: 'good', connecting: 'good', degraded: 'warn', removed: 'good' };

function showUpstreams(/** @type {readonly UpstreamReport[]} */ upstreams) {
  find('upstreams').hidden = upstreams.length === 0;
  const rows = upstreams.map(({ name, state, seconds, why, tools, dropped }) => {
    const left = Object.entries(dropped).filter(([, count]) => count > 0);
    const reasons = left.map(([reason, count]) => `${number(count)} ${reason}`).join(', ');
    const cell = (/** @type {string} */ kind, /** @type {string} */ text) =>
      make('td', { role: 'cell', class: kind }, text);
    return make(
      'tr',
      {
        role: 'row',
        'data-level': state in LEVELS ? LEVELS[/** @type {keyof typeof LEVELS} */ (state)] : 'bad',
      },
      make('th', { role: 'rowheader', scope: 'row' }, name),
      cell('', state),
      cell('', span(seconds)),
      cell('', number(tools)),
      cell(left.length > 0 ? '' : 'none', reasons || '0'),
      cell('why', why),
    );
  });
  fill(find('upstream-rows'), ...rows);
}

let lastSeen = 0;

function show(/** @type {Status} */ status) {
  const { name, version, activity, links } = status;
  lastSeen = Date.now();
  delete document.body.dataset['stale'];
  fill(find('brand'), `${name} ${version}`);
  showVerdict(status.verdict);
  showFacts(status);
  showUpstreams(status.upstreams ?? []);
  find('activity').hidden = !activity;
  if (activity) {
    showHistory(activity);
    showTools(activity);
  }
  // Relative, since a proxy may serve this page below some prefix.
  fill(find('links'), ...links.map((path) => make('a', { href: `.${path}` }, path)));
  find('content').hidden = false;
  const entered = !find('access').hidden;
  find('access').hidden = true;
  if (entered) find('verdict').focus(); // the form had it, and is gone
  fill(find('updated'), `As of ${new Date().toLocaleTimeString()}`);
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
    if (response.status === 401 || response.status === 403) {
      askForToken(token !== '');
      return;
    }
    if (response.ok) show(/** @type {Status} */ (await response.json()));
    else showGone(`It answered with status ${response.status}`);
  } catch (error) {
    const late = error instanceof DOMException && error.name === 'TimeoutError';
    showGone(late ? `Nothing came within ${PATIENCE_MS / 1000} s` : 'It cannot be reached');
  }
  clearTimeout(timer);
  timer = setTimeout(() => void poll(), document.hidden ? POLL_HIDDEN_MS : POLL_MS);
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
