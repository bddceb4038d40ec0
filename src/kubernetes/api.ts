import type { KubeConfig } from '@kubernetes/client-node';
import { Agent, request } from 'undici';
import { asFailure, codeIn, KubernetesFailure, refusal } from './failure.ts';

/** The Kubernetes API, as far as it is asked here. */
export interface Api {
  /** The pod's own namespace, or that of the kubeconfig's context; empty where neither says one. */
  readonly namespace: string;
  /**
   * Asks for a path, on a connection of its own that ends with the answer: connections cannot pile up, and each has the token
   * and the CA that are there then. It follows no redirect.
   * @param signal ends it; nothing else does once the answer has begun
   * @param began told when it has
   * @throws KubernetesFailure when there is no answer, or none of success
   */
  read(
    path: string,
    query: Readonly<Record<string, string>>,
    signal: AbortSignal,
    began?: () => void,
  ): AsyncGenerator<Buffer, void>;
}

/** How long an answer may take to begin, in milliseconds. */
const ANSWER_MS = 10_000;

const MAX_REFUSAL_BYTES = 65_536;

type Client = typeof import('@kubernetes/client-node');

/** Loads the client of Kubernetes; the first time that takes about a second. */
export const loadClient = (): Promise<Client> => import('@kubernetes/client-node');

/**
 * Finds out where the API is and who asks it.
 * @param kubeconfig a file that says so; left out, what pods are told by their ServiceAccount
 * @throws KubernetesFailure when neither can be told
 */
export async function connectApi(kubeconfig: string | undefined): Promise<Api> {
  const client = await loadClient();
  const config = new client.KubeConfig();
  try {
    if (kubeconfig === undefined) config.loadFromCluster();
    else config.loadFromFile(kubeconfig);
  } catch (error) {
    // The parser's own messages quote the file, which holds secrets.
    throw new KubernetesFailure('other', `the kubeconfig cannot be read (${codeIn(error) ?? 'no YAML'})`);
  }
  const server = config.getCurrentCluster()?.server ?? '';
  if (!URL.canParse(server))
    throw new KubernetesFailure(
      'other',
      kubeconfig === undefined
        ? 'its address is not known: this process is not in a pod, and discovery.kubeconfig is not set'
        : 'the kubeconfig names no server in its current context',
    );
  const namespace = config.getContextObject(config.getCurrentContext())?.namespace?.trim() ?? '';
  return {
    namespace,
    read: (path, query, signal, began) => read(client, config, urlOf(server, path, query), signal, began),
  };
}

function urlOf(server: string, path: string, query: Readonly<Record<string, string>>): URL {
  const url = new URL(server.replace(/\/+$/, '') + path);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url;
}

async function* read(
  client: Client,
  config: KubeConfig,
  url: URL,
  signal: AbortSignal,
  began: () => void = () => undefined,
): AsyncGenerator<Buffer, void> {
  const { headers, dispatcher } = await credentials(client, config, url);
  try {
    const response = await request(url, {
      dispatcher,
      headers: { ...headers, accept: 'application/json', 'accept-encoding': 'identity' },
      signal,
      headersTimeout: ANSWER_MS,
      bodyTimeout: 0,
    });
    if (response.statusCode !== 200)
      throw refusal(
        response.statusCode,
        messageIn(await textOf(response.body, MAX_REFUSAL_BYTES)),
        response.headers['retry-after'],
      );
    began();
    yield* response.body as AsyncIterable<Buffer>;
  } catch (error) {
    throw asFailure(error);
  } finally {
    await dispatcher.destroy();
  }
}

/** What a request is made with: read anew for each, because tokens and CAs change. */
async function credentials({ RequestContext, HttpMethod }: Client, config: KubeConfig, url: URL) {
  const context = new RequestContext(url.href, HttpMethod.GET);
  try {
    await config.applySecurityAuthentication(context);
  } catch (error) {
    const where = error instanceof Error && 'path' in error ? String(error.path) : 'the kubeconfig';
    throw new KubernetesFailure(
      'other',
      `there are no credentials for it: ${where} (${codeIn(error) ?? 'the login failed'})`,
    );
  }
  return {
    headers: context.getHeaders() as Readonly<Record<string, string>>,
    dispatcher: context.getDispatcher() ?? new Agent(),
  };
}

/**
 * Reads an answer as a whole.
 * @throws KubernetesFailure when it is larger than that
 */
export async function textOf(chunks: AsyncIterable<Buffer>, maxBytes: number): Promise<string> {
  const read: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new KubernetesFailure('other', `its answer has more than ${maxBytes} bytes`);
    read.push(chunk);
  }
  return Buffer.concat(read).toString();
}

/** The message of a Status, if that is what a text is. */
function messageIn(text: string): string {
  try {
    const { message } = JSON.parse(text) as { readonly message?: unknown };
    return typeof message === 'string' ? message : '';
  } catch {
    return '';
  }
}
