import { z } from 'zod';
import { list, secretKey, textMap } from './fragments.ts';

/** What becomes of traces, besides where they are sent to, which is a setting of the server. */
export const tracing = {
  tracing: z
    .strictObject({
      ratio: z
        .number()
        .min(0)
        .max(1)
        .default(1)
        .describe('Share of the traces that begin here which are kept; for others the client decides'),
      headersSecret: secretKey(
        'headers',
        'Headers that the collector asks for, such as authorization=Bearer%20…, as OTEL_EXPORTER_OTLP_HEADERS takes them',
      ),
      resourceAttributes: textMap
        .default({})
        .describe(
          'Further attributes of all spans, such as deployment.environment.name; namespace, Deployment and pod are there',
        ),
      collector: list
        .default([{ namespaceSelector: {} }])
        .describe(
          'Peers that networkPolicy lets spans out to (NetworkPolicyPeer), at the port of config.tracing.endpoint; by default every pod of the cluster',
        ),
    })
    .prefault({})
    .describe(
      'Traces. They are sent to config.tracing.endpoint, by OTLP over HTTP; without one there are none',
    ),
};
