import { isIP } from 'node:net';
import { upstreamName, upstreamPrefix } from './config/upstream-settings.ts';
import type { Service, ServicePort } from './kubernetes/service.ts';
import { didYouMean } from './tools/near-names.ts';
import type { RefusedService } from './upstream/labels.ts';
import type { UpstreamSpec } from './upstream/upstream.ts';

/** What the owner of a Service may say of the upstream. */
export const ANNOTATION = {
  name: 'nexus-mcp.io/name',
  prefix: 'nexus-mcp.io/prefix',
  path: 'nexus-mcp.io/path',
} as const;

/** Those that may be there. The name of the label is let pass: who wrote it as an annotation, too, has mistaken nothing. */
export const OWN_ANNOTATIONS = [...Object.values(ANNOTATION), 'nexus-mcp.io/upstream'];

export interface Rules {
  /** Names that found upstreams may not have: those of the settings, and of tools and toolsets here. */
  readonly taken: ReadonlySet<string>;
  /** What the names of tools of the upstreams in the settings begin with. */
  readonly prefixes: readonly string[];
  /** The names by which clients call this server: a Service of one of them is its own. */
  readonly ownHosts: readonly string[];
  readonly most: number;
  readonly timeoutSeconds: number;
  readonly maxConcurrency: number;
}

export interface Chosen {
  /** The oldest first: names of tools belong to them in this order. */
  readonly specs: readonly UpstreamSpec[];
  readonly refused: readonly RefusedService[];
}

/** Decides which Services are upstreams. Of several that claim one name the oldest has it. */
export function chooseUpstreams(services: readonly Service[], rules: Rules): Chosen {
  const specs = new Map<string, UpstreamSpec>();
  const owners = new Map<string, string>();
  const refused: RefusedService[] = [];
  for (const service of services.toSorted(byAge)) {
    const id = idOf(service);
    const found = upstreamOf(service, rules);
    const refusal = 'outcome' in found ? found : refuseAmong(found, [...specs.values()], owners, rules);
    if (refusal) refused.push({ service: id, ...refusal });
    else if ('url' in found) {
      specs.set(found.name, found);
      owners.set(found.name, id);
    }
  }
  return { specs: [...specs.values()], refused };
}

type Refusal = Omit<RefusedService, 'service'>;

const idOf = ({ namespace, name }: Service): string => `${namespace}/${name}`;

/** The creation tells first; of those of one second, the name. */
function byAge(one: Service, other: Service): number {
  if (one.createdAt !== other.createdAt) return one.createdAt < other.createdAt ? -1 : 1;
  return idOf(one) < idOf(other) ? -1 : 1;
}

/** Why there is no place for an upstream beside those that are older, if there is none. */
function refuseAmong(
  { name, prefix }: UpstreamSpec,
  older: readonly UpstreamSpec[],
  owners: ReadonlyMap<string, string>,
  { taken, prefixes, most }: Rules,
): Refusal | undefined {
  const owner = owners.get(name);
  if (owner !== undefined) return { outcome: 'name_taken', why: `${owner}, which is older, is ${name}` };
  if (taken.has(name))
    return {
      outcome: 'name_taken',
      why: `${name} is the name of an upstream of the settings, or of a tool or toolset here`,
    };
  // It would have the names of tools of another, while that is away.
  const other = [...prefixes, ...older.map((each) => each.prefix)].find(
    (each) => each !== '' && (each.startsWith(prefix) || prefix.startsWith(each)),
  );
  if (other !== undefined)
    return {
      outcome: 'name_taken',
      why: `its tools would begin with ${prefix}, and those of another upstream begin with ${other}`,
    };
  return owners.size >= most
    ? { outcome: 'limit', why: `there are ${most} already (discovery.maxUpstreams)` }
    : undefined;
}

/** The upstream that a Service is, or why it is none. Credentials are never in annotations: there are none. */
function upstreamOf(service: Service, rules: Rules): UpstreamSpec | Refusal {
  const { annotations, unknownAnnotation, clusterIP, type } = service;
  const host = `${service.name}.${service.namespace}.svc`;
  if (rules.ownHosts.includes(host))
    return { outcome: 'own', why: 'it is a Service of this server (server.allowedHosts)' };
  if (type === 'ExternalName')
    return { outcome: 'address', why: 'it points out of the cluster (ExternalName); name it in upstreams' };
  // A zone is of no use in a URL.
  const family = clusterIP.includes('%') ? 0 : isIP(clusterIP);
  if (family === 0) return { outcome: 'address', why: 'it has no cluster IP: it is headless' };
  const port = portOf(service.ports);
  if (typeof port === 'string') return { outcome: 'port', why: port };
  if (unknownAnnotation !== undefined) {
    const known = Object.values(ANNOTATION);
    const meant = didYouMean(unknownAnnotation, known) || `; there are ${known.join(', ')}`;
    return { outcome: 'annotation', why: `there is no ${unknownAnnotation}${meant}` };
  }
  const path = annotations[ANNOTATION.path] ?? '/mcp';
  if (!PATH.test(path))
    return { outcome: 'annotation', why: `${ANNOTATION.path} must be a path such as /mcp, without query` };
  const name = upstreamName.safeParse(annotations[ANNOTATION.name] ?? service.name);
  if (!name.success)
    return { outcome: 'name', why: `its name, or ${ANNOTATION.name}: ${problemIn(name.error)}` };
  const prefix = upstreamPrefix.safeParse(annotations[ANNOTATION.prefix] ?? `${name.data}_`);
  if (prefix.data === '')
    return {
      outcome: 'annotation',
      why: `${ANNOTATION.prefix} must not be empty: it keeps names of tools apart`,
    };
  if (!prefix.success)
    return { outcome: 'annotation', why: `${ANNOTATION.prefix}: ${problemIn(prefix.error)}` };
  return {
    name: name.data,
    // Its own address, whatever DNS says; and the name that it knows itself by.
    url: `http://${family === 6 ? `[${clusterIP}]` : clusterIP}:${port.port}${path}`,
    prefix: prefix.data,
    headers: { host: port.port === 80 ? host : `${host}:${port.port}` },
    ca: undefined,
    tools: { include: ['*'], exclude: [] },
    timeoutSeconds: rules.timeoutSeconds,
    maxConcurrency: rules.maxConcurrency,
    trustReasons: false,
  };
}

/** What a path has (RFC 3986, section 3.3), without what would lead elsewhere. */
const PATH = /^(?!.*\/\.\.?(?:\/|$))(?:\/[\w.~!$&'()*+,;=:@-]*)+$/;

const problemIn = ({
  issues: [issue],
}: {
  readonly issues: readonly { readonly message: string }[];
}): string => issue?.message ?? '';

/** Whether a protocol is MCP: `mcp`, or the name that some domain has for it, as `kgateway.dev/mcp`. */
const isMcp = ({ appProtocol }: ServicePort): boolean =>
  appProtocol === 'mcp' || appProtocol.endsWith('/mcp');

const MAX_PORT = 65_535;

const isPort = (port: number): boolean => Number.isInteger(port) && port > 0 && port <= MAX_PORT;

/** The port that MCP is spoken at, or why none can be told. */
function portOf(ports: readonly ServicePort[]): ServicePort | string {
  const overTcp = ports.filter(({ protocol, port }) => protocol === 'TCP' && isPort(port));
  const named = overTcp.filter(({ name }) => name === 'mcp');
  const speaking = overTcp.filter(isMcp);
  const [candidates = []] = [named, speaking, overTcp].filter(({ length }) => length > 0);
  const [port] = candidates;
  if (!port) return 'it has no TCP port';
  if (candidates.length > 1)
    return `it has ${candidates.length} ports, and nothing says which one is for MCP; name that port mcp`;
  if (port.appProtocol.toLowerCase() === 'https')
    return 'its port speaks HTTPS; name it in upstreams, with a caFile';
  return port;
}
