import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { ask, quote } from './request.ts';

/** Where Kubernetes puts the credentials of a pod's ServiceAccount. */
const CREDENTIALS = '/var/run/secrets/kubernetes.io/serviceaccount';

const names = z.array(z.string());
/** A PolicyRule of rbac.authorization.k8s.io/v1. */
const rule = z.strictObject({
  apiGroups: names.default([]),
  resources: names.default([]),
  resourceNames: names.default([]),
  nonResourceURLs: names.default([]),
  verbs: names,
});
const accessSchema = z.strictObject({
  /** Where the rules hold; `''` is all namespaces. */
  namespaces: names.min(1),
  allowed: z.array(rule).default([]),
  denied: z.array(rule).default([]),
});

/** What a ServiceAccount may do and may not, and how to ask the API server about it. */
export interface Access extends z.infer<typeof accessSchema> {
  readonly server: URL;
  readonly token: string;
  /** Certificates that the API server's is signed by, in PEM. */
  readonly ca: string;
}

/**
 * Reads what is to be checked, and the pod's way to the API server.
 * @param text rules as JSON; nothing is checked if left out
 * @param credentials directory with `token` and `ca.crt`; the pod's own if left out
 */
export function readAccess(
  text: string | undefined,
  credentials: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  directory: string,
  complain: (problem: string) => void,
): Access | undefined {
  if (text === undefined) {
    if (credentials !== undefined) complain('--access-from needs --access');
    return undefined;
  }
  const host = env['KUBERNETES_SERVICE_HOST'];
  if (!host) {
    complain('--access works in a pod only: KUBERNETES_SERVICE_HOST is not set');
    return undefined;
  }
  try {
    const server = new URL(`https://${host.includes(':') ? `[${host}]` : host}`);
    server.port = env['KUBERNETES_SERVICE_PORT'] ?? '443';
    const path = resolve(directory, credentials ?? CREDENTIALS);
    const read = (name: string): string => readFileSync(join(path, name), 'utf8').trim();
    return { ...accessSchema.parse(JSON.parse(text)), server, token: read('token'), ca: read('ca.crt') };
  } catch (error) {
    complain(`--access: ${error instanceof z.ZodError ? z.prettifyError(error) : String(error)}`);
    return undefined;
  }
}

type AccessResult =
  { readonly ok: true; readonly text: string } | { readonly ok: false; readonly problem: string };

/** Asks the API server, by a SelfSubjectAccessReview each, whether all is allowed and denied as it should be. */
export async function checkAccess(access: Access, signal: AbortSignal): Promise<AccessResult> {
  const questions = access.namespaces.flatMap((namespace) => [
    ...access.allowed.flatMap((each) => questionsOf(namespace, each, true)),
    ...access.denied.flatMap((each) => questionsOf(namespace, each, false)),
  ]);
  const wrong: string[] = [];
  // There may be hundreds of questions: one handshake is enough.
  const agent = new Agent({ keepAlive: true, ca: access.ca });
  try {
    for (const { spec, what, allowed } of questions) {
      const reviewed = await review(access, spec, agent, signal);
      if (!reviewed.ok) return reviewed;
      if (reviewed.allowed !== allowed) wrong.push(`${allowed ? 'may not' : 'may'} ${what}`);
    }
  } finally {
    agent.destroy();
  }
  const [first, ...more] = wrong;
  if (first === undefined)
    return {
      ok: true,
      text: `${questions.length} questions to the Kubernetes API answered as the rules say`,
    };
  const others = more.length === 0 ? '' : `, and ${more.length} more`;
  const problem = `${first}${others}; do the ServiceAccount, its bindings and their roles fit together?`;
  return { ok: false, problem };
}

interface Question {
  readonly spec: object;
  readonly what: string;
  readonly allowed: boolean;
}

/** One question for each thing that a rule names. */
function questionsOf(
  namespace: string,
  { apiGroups, resources, resourceNames, nonResourceURLs, verbs }: z.infer<typeof rule>,
  allowed: boolean,
): readonly Question[] {
  const where = namespace === '' ? 'in all namespaces' : `in ${namespace}`;
  const ofResources = apiGroups.flatMap((group) =>
    resources.flatMap((path) =>
      (resourceNames.length === 0 ? [''] : resourceNames).map((name) => {
        const [resource, subresource = ''] = path.split('/');
        const said = [group === '' ? path : `${path}.${group}`, name].filter((part) => part !== '').join(' ');
        return { attributes: { namespace, group, resource, subresource, name }, said: `${said} ${where}` };
      }),
    ),
  );
  return verbs.flatMap((verb) => [
    ...ofResources.map(({ attributes, said }) => ({
      spec: { resourceAttributes: { ...attributes, verb } },
      what: `${verb} ${said}`,
      allowed,
    })),
    ...nonResourceURLs.map((path) => ({
      spec: { nonResourceAttributes: { path, verb } },
      what: `${verb} ${path}`,
      allowed,
    })),
  ]);
}

const answerSchema = z.object({ status: z.object({ allowed: z.boolean() }) });

type Review =
  { readonly ok: true; readonly allowed: boolean } | { readonly ok: false; readonly problem: string };

async function review(
  { server, token }: Access,
  spec: object,
  agent: Agent,
  signal: AbortSignal,
): Promise<Review> {
  const url = new URL('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', server);
  const body = JSON.stringify({
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec,
  });
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const asked = await ask(url, { method: 'POST', headers, body, agent, signal });
  if (!asked.ok) return asked;
  const { status, text } = asked.answer;
  if (status === 401) return { ok: false, problem: `${server.origin} does not accept the pod's token (401)` };
  const answer = status === 201 ? answerSchema.safeParse(parse(text)) : undefined;
  if (!answer?.success) return { ok: false, problem: `${url.href} answers ${status}: ${quote(text)}` };
  return { ok: true, allowed: answer.data.status.allowed };
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
