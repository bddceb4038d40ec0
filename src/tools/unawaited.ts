/**
 * The error that ends a process or a thread in which a promise was rejected and nothing handles it.
 * @param reason what it was rejected with
 * @param tool of whose call the code is that rejected it, where that is known
 */
export function unawaited(reason: unknown, tool?: string): Error {
  const whose = tool === undefined ? '' : ` of the tool ${tool}`;
  const message = `a promise${whose} was rejected and nothing handles it: await it or catch it`;
  // Frames of its own would say nothing.
  return Object.assign(new Error(message, { cause: reason }), { stack: `Error: ${message}`, tool });
}
