import { z } from 'zod';
import { SAMPLER_NAMES } from '../../src/monitoring/traces/variables.ts';
import { peers, secretKey, text } from './fragments.ts';

/** What becomes of traces, besides where they are sent to, which is a setting of the server. */
export const tracing = {
  tracing: z
    .strictObject({
      sampler: z
        .enum(SAMPLER_NAMES)
        .default('parentbased_traceidratio')
        .describe(
          'Which calls are traced. Those named parentbased_ do as a client that traces its call has decided; parentbased_always_off traces no others',
        ),
      ratio: z
        .number()
        .min(0)
        .max(1)
        .default(1)
        .describe(
          'Share of the traces to keep, also of those that clients have sampled, for the samplers named traceidratio',
        ),
      headersSecret: secretKey(
        'headers',
        'Headers for the collector, in the form of OTEL_EXPORTER_OTLP_HEADERS, such as authorization=Bearer%20…',
      ),
      // A name with a comma or = in it would break the list that OTEL_RESOURCE_ATTRIBUTES is.
      resourceAttributes: z
        .record(text.regex(/^[\w./-]+$/, 'must be letters, digits, _, ., / and - only'), text)
        .default({})
        .describe(
          'Further attributes of all spans, such as deployment.environment.name; namespace, Deployment and pod are there already',
        ),
      collector: peers
        .default([{ namespaceSelector: {} }])
        .describe(
          'Peers to which networkPolicy lets spans out (NetworkPolicyPeer), at the port of config.tracing.endpoint, which must be the port of their pods; by default every pod of the cluster',
        ),
    })
    .prefault({})
    .describe(
      'Traces. They are sent to config.tracing.endpoint, by OTLP over HTTP; nothing is traced without it',
    ),
};
