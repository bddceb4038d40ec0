import type { Settings } from '../config/settings.ts';

/** An error of Node that kept a port from being opened, with what it tells of the place. */
interface ListenError extends NodeJS.ErrnoException {
  readonly address?: string;
  readonly hostname?: string;
  readonly port?: number;
}

const PORT_TAKEN = 'EADDRINUSE';
const PORT_PRIVILEGED = 'EACCES';
/** The host is no address of this machine, has none, or is of a kind that the machine does not have. */
const NO_SUCH_HOST = new Set(['EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN', 'EAFNOSUPPORT', 'EINVAL']);

/** What to do so that a port can be opened, with the settings that it is opened by. */
export function adviceOn(error: Error, { server, ops }: Pick<Settings, 'server' | 'ops'>): string {
  const { code = '', address, hostname, port } = error as ListenError;
  const hosts = { 'server.host': server.host, ...(ops.host !== undefined && { 'ops.host': ops.host }) };
  const ports = { 'server.port': server.port, ...(ops.port !== undefined && { 'ops.port': ops.port }) };
  const host = address ?? hostname;
  if (NO_SUCH_HOST.has(code))
    return `set ${among(hosts, host)} to an address of this machine, such as 0.0.0.0 or :: for all`;
  if (code === PORT_TAKEN) return `set ${among(ports, port)} to a free port`;
  if (code === PORT_PRIVILEGED) return `set ${among(ports, port)} to 1024 or above`;
  return `see ${Object.keys({ ...hosts, ...ports }).join(', ')}`;
}

/** The settings that have a value; all, where none has it. */
function among<Value>(settings: Readonly<Record<string, Value>>, value: Value | undefined): string {
  const names = Object.keys(settings);
  const found = names.filter((name) => settings[name] === value);
  return (found.length > 0 ? found : names).join(' or ');
}
