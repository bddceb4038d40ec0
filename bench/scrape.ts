import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Child, withChildren } from './child.ts';
import { exposition } from './exposition.ts';
import { modernCall } from './requests.ts';
import { median, quantile } from './statistics.ts';
import { kibibytes, millis, times, type Row } from './table.ts';

/** How long the event loop may be held, in milliseconds, by the number of tools. */
const LIMITS: Readonly<Record<number, number>> = { 300: 5, 3000: 10 };

/** What a scrape costs: how much work its text is, how long it holds the event loop, how long it takes, and what calls see of it. */
export async function scrape(quick: boolean): Promise<readonly Row[]> {
  const rows: Row[] = [...(await exposition(quick))];
  for (const tools of [30, 300, 3000]) {
    rows.push(
      ...(await withChildren([Child.start('server.ts', tools)], async ([server]) => {
        await callEveryTool(server, tools);
        return [...(await scrapes(server, tools, quick)), await latency(server, tools, quick)];
      })),
    );
  }
  return rows;
}

/** Some series begin with a tool's first call. */
async function callEveryTool({ url }: Child, tools: number): Promise<void> {
  for (let factor = 1; factor < tools; factor += 1) {
    const { path, headers, body } = modernCall(`times_${factor}`, { a: 1 });
    const answer = await fetch(url + path, { method: 'POST', headers, body });
    if (!(await answer.text()).includes('"structuredContent"')) throw new Error(`tool ${factor} failed`);
  }
}

/** Scrapes as Prometheus does; resolves to the size of the answer as sent. */
const scrapeOnce = ({ url }: Child, encoding = 'gzip'): Promise<number> =>
  new Promise((resolve, reject) => {
    const headers = {
      accept: 'application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
      'accept-encoding': encoding,
    };
    get(`${url}/metrics`, { headers }, (response) => {
      let size = 0;
      response.on('data', (chunk: Buffer) => (size += chunk.length));
      response.on('end', () => {
        resolve(size);
      });
    }).on('error', reject);
  });

async function scrapes(server: Child, tools: number, quick: boolean): Promise<readonly Row[]> {
  const turns: number[] = [];
  const durations: number[] = [];
  const rounds = quick ? 5 : 30;
  for (let round = -5; round < rounds; round += 1) {
    await server.ask('watchLoop');
    await scrapeOnce(server);
    const longestTurn = await server.ask('longestTurnMillis');
    const startedAt = performance.now();
    await scrapeOnce(server);
    // The first rounds warm up.
    if (round < 0) continue;
    turns.push(longestTurn);
    durations.push(performance.now() - startedAt);
  }
  const [plain, compressed] = [await scrapeOnce(server, 'identity'), await scrapeOnce(server)];
  const turn = median(turns);
  const limit = LIMITS[tools];
  const what = `scrape of ${tools} tools`;
  return [
    {
      what: `${what}: longest turn of the event loop`,
      ours: `${millis(turn)}; 90 %: ${millis(quantile(turns, 0.9))}`,
      ...(limit !== undefined && { aim: `< ${millis(limit)}`, met: turn < limit }),
    },
    {
      what: `${what}: duration and size`,
      ours: `${millis(median(durations))}, ${kibibytes(plain)}, ${kibibytes(compressed)} compressed`,
    },
  ];
}

const CALLS_PER_SECOND = 200;

/** The 99th percentile of calls at a steady rate, with a scrape a second and without. */
async function latency(server: Child, tools: number, quick: boolean): Promise<Row> {
  const seconds = quick ? 1 : 3;
  const scraped: number[] = [];
  const unscraped: number[] = [];
  await pacedCalls(server, 1);
  for (let round = 0; round < 2; round += 1) {
    unscraped.push(...(await pacedCalls(server, seconds)));
    const [taken] = await Promise.all([pacedCalls(server, seconds), scrapeEachSecond(server, seconds)]);
    scraped.push(...taken);
  }
  const p99 = quantile(scraped, 0.99);
  const reference = quantile(unscraped, 0.99);
  return {
    what: `scrape of ${tools} tools a second: p99 of ${CALLS_PER_SECOND} calls/s, against no scrapes`,
    ours: millis(p99),
    reference: millis(reference),
    ratio: times(p99 / reference),
  };
}

async function scrapeEachSecond(server: Child, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second += 1) await Promise.all([scrapeOnce(server), sleep(1000)]);
}

/** Makes calls at a steady rate, whether or not earlier ones were answered; resolves to how long each took. */
async function pacedCalls({ url }: Child, seconds: number): Promise<readonly number[]> {
  const { path, headers, body } = modernCall();
  const calls: Promise<number>[] = [];
  const startedAt = performance.now();
  while (calls.length < seconds * CALLS_PER_SECOND) {
    const due = ((performance.now() - startedAt) / 1000) * CALLS_PER_SECOND;
    while (calls.length < due) {
      const sentAt = performance.now();
      calls.push(
        fetch(url + path, { method: 'POST', headers, body })
          .then((answer) => answer.text())
          .then(() => performance.now() - sentAt),
      );
    }
    await sleep(1);
  }
  return Promise.all(calls);
}
