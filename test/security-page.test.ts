import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { listSettings } from '../src/config/setting-list.ts';
import { METRICS } from '../src/monitoring/metrics/metrics.ts';

const page = readFileSync(new URL('../SECURITY.md', import.meta.url), 'utf8');
const section = /\n## What can grow[^]*?(?=\n## )/.exec(page)?.[0] ?? '';
const rows = new Map(
  section
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(2)
    .map((line): [string, string] => [line.split('|')[1]?.trim() ?? '', line]),
);
const source = (file: string): string => readFileSync(new URL(`../src/${file}`, import.meta.url), 'utf8');

/** What the rows say, by the constants in the code that make it true. */
const CONSTANTS: Readonly<Record<string, readonly (readonly [file: string, constant: string])[]>> = {
  'requests without an answer': [['http/connections.ts', 'MAX_UNANSWERED']],
  'the name of a host': [['http/host-names.ts', 'MAX_NAME']],
  'a message besides its arguments': [
    ['monitoring/door/envelope.ts', 'MAX_VALUES'],
    ['monitoring/door/envelope.ts', 'MAX_CHARACTERS'],
    ['monitoring/door/envelope.ts', 'MAX_BATCH'],
  ],
  'what an issuer answers': [
    ['config/auth-settings.ts', 'MAX_ISSUERS'],
    ['authorization/key-source.ts', 'MAX_DOCUMENT_BYTES'],
    ['authorization/key-source.ts', 'MAX_KEYS'],
  ],
  'access tokens that were looked at': [['authorization/remembered-tokens.ts', 'MAX_TOKENS']],
  'what an access token says': [
    ['authorization/access-token.ts', 'MAX_SUBJECT'],
    ['authorization/granted-rights.ts', 'MAX_SCOPES'],
    ['authorization/granted-rights.ts', 'MAX_SCOPE'],
    ['authorization/jwt-callers.ts', 'MAX_NAME'],
  ],
  'lines of the log, and audit events, that wait': [['monitoring/line-output.ts', 'MAX_WAITING_BYTES']],
  'clients that have a quota': [['tools/quota.ts', 'MAX_CLIENTS']],
  'log messages of a call': [
    ['tools/paced-notices.ts', 'LOGS_PER_SECOND'],
    ['tools/waiting-logs.ts', 'MAX_WAITING_CHARACTERS'],
    ['tools/worker.ts', 'MAX_ON_THE_WAY'],
  ],
  'calls that wait for their client': [
    ['tools/questions.ts', 'MAX_OF_A_CLIENT'],
    ['tools/questions.ts', 'MAX_OF_ALL'],
  ],
  'states of questions that were used': [['mcp/used-ids.ts', 'MAX_IDS']],
  'sessions that clients have ended': [['mcp/used-ids.ts', 'MAX_IDS']],
  'messages on their way to other replicas': [
    ['mcp/peers.ts', 'MAX_PASSING'],
    ['mcp/used-ids.ts', 'MAX_IDS'],
  ],
  'the id of a session': [
    ['mcp/session-id.ts', 'MAX_ID'],
    ['mcp/session-id.ts', 'MAX_NAME'],
    ['mcp/session-id.ts', 'MAX_VERSION'],
  ],
  'messages kept for resumed streams': [['mcp/session-factory.ts', 'REPLAY_CHARACTERS']],
  'answers unread over stdio': [['mcp/stdio.ts', 'MAX_UNREAD_BYTES']],
  'what is fetched': [['tools/informational.ts', 'MAX_INFORMATIONAL']],
  'lines of the log that are being folded': [
    ['monitoring/folded-lines.ts', 'MAX_KINDS'],
    ['monitoring/call-log.ts', 'MAX_VALUE_LENGTH'],
  ],
  upstreams: [['config/upstream-settings.ts', 'MAX_UPSTREAMS']],
  'what an upstream lists': [
    ['upstream/listing.ts', 'MAX_PAGES'],
    ['upstream/listing.ts', 'MAX_TOOLS'],
    ['upstream/listing.ts', 'TIMES'],
    ['upstream/listing.ts', 'MAX_PAGE_BYTES'],
    ['upstream/definitions.ts', 'MAX_DEFINITION'],
    ['upstream/listing.ts', 'MAX_CHARACTERS'],
  ],
  'what an upstream sends': [
    ['load-upstreams.ts', 'ALLOWANCE_BYTES'],
    ['upstream/watchers.ts', 'NOTICES_AT_ONCE'],
    ['upstream/watchers.ts', 'NOTICES_PER_SECOND'],
    ['tools/informational.ts', 'MAX_INFORMATIONAL'],
  ],
  'requests in flight to an upstream': [['upstream/pools.ts', 'FURTHER_CONNECTIONS']],
  'calls that an upstream asks in the middle of': [
    ['upstream/held-calls.ts', 'MAX_HELD'],
    ['upstream/held-calls.ts', 'MAX_HELD_OF_CLIENT'],
    ['upstream/held-calls.ts', 'MAX_QUESTIONS'],
  ],
  'requests relayed to an upstream': [
    ['upstream/relay/exchanges.ts', 'MAX_EXCHANGES'],
    ['upstream/relay/exchanges.ts', 'MAX_EXCHANGES_OF_CLIENT'],
    ['upstream/relay/exchanges.ts', 'FURTHER_EXCHANGES'],
    ['upstream/relay/conversation.ts', 'MAX_QUESTIONS'],
    ['upstream/relay/owed.ts', 'MAX_OWED'],
    ['tools/informational.ts', 'MAX_INFORMATIONAL'],
  ],
  'what is read along in a relayed answer': [['load-upstreams.ts', 'ALLOWANCE_BYTES']],
  'relayed sessions': [
    ['upstream/relay/sessions.ts', 'MAX_ID'],
    ['upstream/relay/sessions.ts', 'MAX_SEALED'],
    ['upstream/relay/sessions.ts', 'MAX_REMEMBERED'],
    ['upstream/relay/sessions.ts', 'MAX_TEXT'],
  ],
  'sessions with an upstream': [
    ['upstream/caller-links.ts', 'MAX_SESSIONS'],
    ['upstream/caller-links.ts', 'IDLE_SECONDS'],
  ],
  'Services that are found': [
    ['kubernetes/namespace-watch.ts', 'MAX_SERVICES'],
    ['kubernetes/namespace-watch.ts', 'MAX_PAGE_BYTES'],
    ['kubernetes/json.ts', 'MAX_LINE_BYTES'],
    ['kubernetes/service.ts', 'MAX_ANNOTATION'],
    ['kubernetes/service.ts', 'MAX_PORTS'],
  ],
  'tools of a server that is instrumented': [['monitoring/library/known-tools.ts', 'MAX_REMEMBERED']],
};

/** The row that bounds each thing that a part of the server keeps, or why it cannot grow with what others do. */
const KEPT: Readonly<Record<string, string>> = {
  'authorization/key-set.ts #ids': 'what an issuer answers',
  'authorization/remembered-tokens.ts #known': 'access tokens that were looked at',
  'http/connections.ts #open': 'connections',
  'mcp/event-store.ts #events': 'messages kept for resumed streams',
  'mcp/event-store.ts #replays': 'connections',
  'mcp/header-check.ts #found': '= tools',
  'mcp/header-check.ts #tools': '= tools',
  'mcp/message-lines.ts #parts': 'a line over stdio',
  'mcp/replay-budget.ts #holders': 'sessions',
  'mcp/peers.ts #passing': 'messages on their way to other replicas',
  'mcp/open-questions.ts #open': 'calls that wait for their client',
  'mcp/session-table.ts #sessions': 'sessions',
  'mcp/session-transport.ts #asked': 'requests of one client',
  'mcp/session-transport.ts #streams': 'connections',
  'mcp/shared-delay.ts #waiting': 'connections',
  'mcp/sessions.ts #resuming': 'connections',
  'mcp/used-ids.ts #used': 'states of questions that were used',
  'monitoring/activity.ts #seen': '= tools',
  'monitoring/call-counts.ts #durations': '= tools and buckets',
  'monitoring/door/connection.ts #pending': 'requests of one client',
  'monitoring/door/door.ts #inFlight': 'requests of one client',
  'monitoring/door/door.ts #whenSettled': '= the steps of a stop',
  'monitoring/metrics/tool-series.ts #failed': '= reasons',
  'monitoring/folded-lines.ts #floods': 'lines of the log that are being folded',
  'monitoring/library/known-tools.ts #names': 'tools of a server that is instrumented',
  'monitoring/library/known-tools.ts #seenAt': 'tools of a server that is instrumented',
  'monitoring/library/tool-lists.ts #lately': 'tools of a server that is instrumented',
  'monitoring/audit/audit.ts #failing': '= what can fail',
  'monitoring/line-output.ts #lines': 'lines of the log, and audit events, that wait',
  'monitoring/line-output.ts #observers': '= the parts of the server',
  'monitoring/live-sessions.ts #sessions': 'sessions',
  'monitoring/metrics/family.ts #blocks': 'values of labels',
  'monitoring/metrics/paced-text.ts #texts': 'values of labels',
  'monitoring/metrics/recorder.ts #tools': '= tools',
  'tokens-in-effect.ts #problems': '= the token file',
  'tools/admission.ts #queue': 'calls that wait',
  'tools/catalogue.ts #byName': '= tools',
  'tools/catalogue.ts #listeners': '= the parts of the server',
  'tools/catalogue.ts #tools': '= tools',
  'tools/executor.ts #inFlight': 'calls that wait',
  'tools/executor.ts #running': 'calls that wait',
  'tools/questions.ts #waiting': 'calls that wait for their client',
  'tools/quota.ts fullAt': 'clients that have a quota',
  'tools/turns.ts #clients': 'calls that wait',
  'tools/waiting-logs.ts #waiting': 'log messages of a call',
  'discovery.ts #problems': '= the namespaces of the settings',
  'kubernetes/namespace-watch.ts #services': 'Services that are found',
  'upstream/breaker.ts #window': '= the seconds of a window',
  'upstream/caller-links.ts #sessions': 'sessions with an upstream',
  'upstream/definition-changes.ts #meanings': 'what an upstream lists',
  'upstream/event-stream.ts #events': 'what an upstream sends',
  'upstream/held-calls.ts #held': 'calls that an upstream asks in the middle of',
  'upstream/held-calls.ts #questions': 'calls that an upstream asks in the middle of',
  'upstream/relay/conversation.ts #questions': 'requests relayed to an upstream',
  'upstream/unmatched-names.ts #told': '= the names in the settings of an upstream',
  'upstream/upstreams.ts #leaving': 'calls that wait',
  'upstream/relay/owed.ts #owed': 'requests relayed to an upstream',
  'upstream/relay/exchanges.ts #all': 'requests relayed to an upstream',
  'upstream/relay/requests.ts #waiting': 'a message besides its arguments',
  'upstream/relay/sessions.ts #remembered': 'relayed sessions',
  'upstream/open-requests.ts #ends': 'requests in flight to an upstream',
  'upstream/upstreams.ts #entries': 'upstreams',
  'upstream/upstreams.ts #offered': 'upstreams',
  'upstream/watchers.ts #watchers': 'requests in flight to an upstream',
};

describe('the list of what can grow', () => {
  it('has a setting, a number or a reason in each row, and no row twice', () => {
    const lines = section.split('\n').filter((line) => line.startsWith('| '));
    expect(rows.size).toBe(lines.length - 2);
    expect(rows.size).toBeGreaterThan(20);
  });

  it('names settings that there are, and all that are bounds', () => {
    const named = new Set(section.match(/`[a-z]+\.[a-zA-Z]+`/g)?.map((each) => each.slice(1, -1)));
    const settings = listSettings().map(({ path }) => path);
    expect([...named].filter((path) => !settings.includes(path))).toEqual([]);
    const isBound =
      /^(limits|workers)\.|^server\..*(Bytes|TimeoutSeconds|Connections)$|^sessions\.(max|idle|replay)|^network\.fetchMaxBytes/;
    expect(settings.filter((path) => isBound.test(path) && !named.has(path))).toEqual([]);
  });

  it('names metrics that there are', () => {
    const named = section.match(/\b(mcp|http)_[a-z_]+/g) ?? [];
    expect(named.filter((name) => !(name in METRICS))).toEqual([]);
  });

  it.each(Object.entries(CONSTANTS))('says of %s what the code says', (row, constants) => {
    for (const [file, constant] of constants) {
      const value = new RegExp(`const ${constant} = ([\\d_* ]+);`).exec(source(file))?.[1] ?? '';
      const number = value
        .split('*')
        .reduce((product, each) => product * Number(each.replaceAll('_', '')), 1);
      const text = number % 1_048_576 === 0 ? `${number / 1_048_576} MiB` : String(number);
      expect(rows.get(row)?.replaceAll(/(\d) (?=\d{3}\b)/g, '$1')).toMatch(new RegExp(`\\b${text}\\b`));
    }
  });

  it('knows of everything that a part of the server keeps', () => {
    const directory = new URL('../src/', import.meta.url);
    const kept = globSync('**/*.ts', { cwd: directory })
      .filter((file) => !/^(cli|config)\//.test(file))
      .flatMap((file) =>
        [...source(file).matchAll(GROWING)].map(([, field, local]) => `${file} ${field ?? local ?? ''}`),
      );
    expect(kept.filter((each) => KEPT[each] === undefined)).toEqual([]);
    expect(Object.keys(KEPT).filter((each) => !kept.includes(each))).toEqual([]);
    expect(Object.values(KEPT).filter((row) => !row.startsWith('= ') && !rows.has(row))).toEqual([]);
  });
});

/** Fields that hold any number of things, and what a closure keeps for a quota. */
const GROWING =
  /^ {2}(?:readonly )?(#\w+)(?:: [^=\n]+)? = (?:new (?:Map|Set|Turns)\b|\[\];$)|^ {2}const (fullAt) = /gm;
