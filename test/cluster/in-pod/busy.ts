import { setTimeout as sleep } from 'node:timers/promises';
import process from 'node:process';

// Calls a tool ten times a second over REST for as long as it runs: `busy.ts URL TOOL`.

const [url = '', tool] = process.argv.slice(2);
for (;;) {
  await fetch(`${url}/execute`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ tool_name: tool, arguments: {} }),
  }).then(
    (response) => response.text(),
    // A server that is not there is what some faults are about.
    () => undefined,
  );
  await sleep(100);
}
