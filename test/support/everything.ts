import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { startCommand } from './command-process.ts';
import { freePorts } from './replicas.ts';

/** What `npx @modelcontextprotocol/server-everything` runs. */
export const EVERYTHING = fileURLToPath(
  new URL('dist/index.js', import.meta.resolve('@modelcontextprotocol/server-everything/package.json')),
);

/** Starts the reference server of the MCP project, which has one of everything in the 2025 era; resolves to where it is. */
export async function startEverything(): Promise<string> {
  const [port = 0] = await freePorts(1);
  const url = `http://127.0.0.1:${port}`;
  await startCommand(process.execPath, [EVERYTHING, 'streamableHttp'], `${url}/mcp`, {
    PORT: String(port),
  });
  return url;
}
