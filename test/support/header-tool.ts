import { setTimeout as sleep } from 'node:timers/promises';
import { defineTool } from '../../src/tools/index.ts';

/** A slow tool whose argument clients repeat in a header, for proxies to route by (MCP 2026-07-28, "x-mcp-header"). */
export const routed = defineTool({
  name: 'routed',
  description: 'Waits in a region.',
  title: 'Routed',
  annotations: { readOnly: true, idempotent: true, openWorld: false },
  input: {
    type: 'object',
    properties: { region: { type: 'string', 'x-mcp-header': 'Region' } },
    required: ['region'],
    additionalProperties: false,
  },
  handler: async () => {
    await sleep(500);
    return 'done';
  },
});
