import { fieldsOf, textIn } from './json.ts';

/** A port of a Service, as far as it is of use here. */
export interface ServicePort {
  readonly name: string;
  readonly port: number;
  readonly protocol: string;
  /** Empty where the Service does not say. */
  readonly appProtocol: string;
}

/** A Service, as far as it is of use here. */
export interface Service {
  readonly namespace: string;
  readonly name: string;
  /** RFC 3339; in the order of time as texts are. */
  readonly createdAt: string;
  readonly type: string;
  /** `None` for a headless Service; empty for one without. */
  readonly clusterIP: string;
  readonly ports: readonly ServicePort[];
  /** Those that were asked for; one that is too long is cut, and ends with `…`, which none that is used may have. */
  readonly annotations: Readonly<Record<string, string>>;
  /** The name of an annotation of the same domain as those that were asked for, which is none of them; the first, if there are any. */
  readonly unknownAnnotation?: string;
}

/** More than any that is looked at has: what is kept of a Service is small, whatever its owner writes. */
const MAX_ANNOTATION = 512;
const MAX_PORTS = 64;

/**
 * Reads a Service of the Kubernetes API.
 * @param annotations the names of those that are kept
 * @returns `undefined` for what has no name and is none
 */
export function readService(value: unknown, annotations: readonly string[]): Service | undefined {
  const { metadata, spec } = fieldsOf(value);
  const about = fieldsOf(metadata);
  const { type, clusterIP, ports } = fieldsOf(spec);
  const [name, namespace] = [textIn(about['name']), textIn(about['namespace'])];
  if (name === '' || namespace === '') return undefined;
  const given = fieldsOf(about['annotations']);
  const domains = new Set(annotations.map(domainOf));
  const unknown = Object.keys(given).find(
    (each) => domains.has(domainOf(each)) && !annotations.includes(each),
  );
  return {
    namespace,
    name,
    createdAt: textIn(about['creationTimestamp']),
    type: textIn(type) || 'ClusterIP',
    clusterIP: textIn(clusterIP),
    ports: (Array.isArray(ports) ? (ports as unknown[]) : []).slice(0, MAX_PORTS).map(readPort),
    annotations: Object.fromEntries(
      annotations.flatMap((each) => {
        const text = given[each];
        return typeof text === 'string' ? [[each, cut(text)]] : [];
      }),
    ),
    ...(unknown !== undefined && { unknownAnnotation: cut(unknown) }),
  };
}

const domainOf = (annotation: string): string => annotation.slice(0, annotation.indexOf('/') + 1);

const cut = (text: string): string =>
  text.length > MAX_ANNOTATION ? `${text.slice(0, MAX_ANNOTATION)}…` : text;

function readPort(value: unknown): ServicePort {
  const { name, port, protocol, appProtocol } = fieldsOf(value);
  return {
    name: textIn(name),
    port: typeof port === 'number' ? port : 0,
    protocol: textIn(protocol) || 'TCP',
    appProtocol: textIn(appProtocol),
  };
}
