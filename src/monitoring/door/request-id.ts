/** Ids that are safe to write to logs and headers unchanged. */
const WELL_FORMED = /^[\w.:=+/@-]{1,128}$/;

/** The request id that a gateway or client gave, in `X-Request-Id`, if it is well-formed. */
export const givenRequestId = (header: string | undefined): string | undefined =>
  header !== undefined && WELL_FORMED.test(header) ? header : undefined;
