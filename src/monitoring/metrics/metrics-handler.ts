import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { inTurn } from './in-turn.ts';
import { CONTENT_TYPES, preferredFormat, weightOf, type ExpositionFormat } from './exposition.ts';

const compress = promisify(gzip);

/** Answers an HTTP request with metrics: as express route handler, or in a bare `node:http` server. */
export type MetricsHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  next?: (error: unknown) => void,
) => Promise<void>;

/**
 * Serves metrics in the format and encoding that the scraper asks for. Scrapes that come at a time share the work, and the
 * bytes.
 */
export function metricsHandler(write: (format: ExpositionFormat) => Promise<Buffer>): MetricsHandler {
  const written = inTurn(write);
  const compressed = inTurn(async (format: ExpositionFormat) => compress(await written(format)));
  return async ({ headers }, response, next) => {
    try {
      const format = preferredFormat(headers.accept);
      const isCompressed = wantsGzip(headers['accept-encoding']);
      const body = await (isCompressed ? compressed : written)(format);
      // Set by hand: Express would append its own charset and an ETag that costs a hash of the whole text.
      response.setHeader('content-type', CONTENT_TYPES[format]);
      response.setHeader('vary', 'Accept, Accept-Encoding');
      if (isCompressed) response.setHeader('content-encoding', 'gzip');
      response.end(body);
    } catch (error) {
      if (!next) throw error;
      next(error);
    }
  };
}

/** RFC 9110, section 12.5.3. */
function wantsGzip(header: string | string[] = ''): boolean {
  const weight = (coding: string): number | undefined => weightOf(coding, String(header));
  const gzipWeight = weight('gzip') ?? weight('*') ?? 0;
  return gzipWeight > 0 && gzipWeight >= (weight('identity') ?? 0);
}
