import { execFile } from 'node:child_process';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cached } from '../../scripts/stand-in-images/cache.ts';
import { run } from '../../scripts/stand-in-images/run.ts';

const SDK = 'mcp==2.3.0';
const CLIENT = fileURLToPath(new URL('python-client.py', import.meta.url));

const execute = promisify(execFile);

/** What a client of the Python SDK got of a server. */
export interface PythonAnswer {
  readonly tools: readonly string[];
  readonly text: readonly string[];
  readonly token: string;
}

type PythonClient = (url: string, mode: string, issuer: string) => Promise<PythonAnswer>;

type Sdk = { readonly PYTHONPATH: string } | { readonly missing: string };

let sdk: Promise<Sdk> | undefined;

/** The environment in which Python finds its SDK, installed once a machine; or why there is none here: no Python, no pip, or no packages. */
export const providePythonSdk = (): Promise<Sdk> => (sdk ??= installed());

async function installed(): Promise<Sdk> {
  try {
    // Packages are compiled for a version.
    const version = await run('python3', ['--version']);
    const directory = await cached(`${version}-${SDK}`.replaceAll(/[ =]+/g, '-'), async (draft) => {
      const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
      await run('python3', [...pip, '--target', draft, SDK]);
    });
    return { PYTHONPATH: directory };
  } catch (error) {
    return { missing: `the Python SDK is not to be had here: ${String(error)}` };
  }
}

/** A client of the Python SDK, or why there is none here. */
export async function providePythonClient(): Promise<PythonClient | { readonly missing: string }> {
  const found = await providePythonSdk();
  if ('missing' in found) return found;
  return async (...args) => {
    const { stdout } = await execute('python3', [CLIENT, ...args], { env: { ...process.env, ...found } });
    return JSON.parse(stdout) as PythonAnswer;
  };
}
