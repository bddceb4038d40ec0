import { Router } from 'express';
import {
  metadataOf,
  metadataUrlOf,
  WELL_KNOWN,
  type ProtectedResource,
} from '../authorization/protected-resource.ts';
import { WELL_KNOWN_ROUTE } from '../monitoring/metrics/labels.ts';
import { notFound, wrongMethod } from './problem.ts';

/**
 * Tells clients where to get a token (RFC 9728): at the path that has the path of `/mcp` in it, as clients know that and as it is
 * here, and at the root, where clients look next. Anybody may know it.
 */
export function protectedResourceRoutes(resource: ProtectedResource): Router {
  const router = Router();
  const metadata = metadataOf(resource);
  const served = new Set([
    WELL_KNOWN,
    `${WELL_KNOWN}/mcp`,
    new URL(metadataUrlOf(resource.resource)).pathname,
  ]);
  router.get(WELL_KNOWN_ROUTE, (request, response, next) => {
    if (served.has(request.path)) response.json(metadata);
    else next();
  });
  const none = notFound(`There is no other resource here than ${resource.resource}`);
  const onlyRead = wrongMethod('GET, HEAD');
  router.all(WELL_KNOWN_ROUTE, (request, response, next) => {
    void (served.has(request.path) ? onlyRead : none)(request, response, next);
  });
  return router;
}
