import { Router } from 'express';
import {
  metadataOf,
  metadataUrlOf,
  relayOf,
  WELL_KNOWN,
  type ProtectedResource,
} from '../authorization/protected-resource.ts';
import { WELL_KNOWN_ROUTE } from '../monitoring/metrics/labels.ts';
import { notFound, wrongMethod } from './problem.ts';

const RELAYED = /\/servers\/([^/]+)\/mcp$/;

/**
 * Tells clients where to get a token (RFC 9728): at the path that has the path of `/mcp` in it, as clients know that and as it is
 * here, and at the root, where clients look next. Whole upstreams are resources of their own, of any name, and of the same scopes: which there are is not told.
 * Anybody may know it.
 */
export function protectedResourceRoutes(
  about: ProtectedResource,
  upstreams: (() => readonly string[]) | undefined,
): Router {
  const router = Router();
  const { resource } = about;
  const metadata = metadataOf(about);
  const pathOf = (url: string): string => new URL(metadataUrlOf(url)).pathname;
  const served = new Set([WELL_KNOWN, `${WELL_KNOWN}/mcp`, pathOf(resource)]);
  const metadataAt = (path: string): object | undefined => {
    if (served.has(path)) return metadata;
    const [, upstream = ''] = (upstreams ? RELAYED.exec(path) : undefined) ?? [];
    const own = relayOf(resource, upstream);
    if (own === undefined) return undefined;
    const isThere = path === pathOf(own) || path === `${WELL_KNOWN}/servers/${upstream}/mcp`;
    return isThere ? metadataOf({ ...about, resource: own, upstreams: upstreams?.() ?? [] }) : undefined;
  };
  router.get(WELL_KNOWN_ROUTE, (request, response, next) => {
    const found = metadataAt(request.path);
    if (found) response.json(found);
    else next();
  });
  const none = notFound(`There is no other resource here than ${resource}`);
  const onlyRead = wrongMethod('GET, HEAD');
  router.all(WELL_KNOWN_ROUTE, (request, response, next) => {
    void (metadataAt(request.path) ? onlyRead : none)(request, response, next);
  });
  return router;
}
