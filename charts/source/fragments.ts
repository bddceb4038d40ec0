import { z } from 'zod';

/** Pieces of Kubernetes objects, as values take them. */

/** An object or a list that goes into the manifest as it is; the API server knows its fields. */
export const object = z.record(z.string(), z.unknown());
export const list = z.array(object);

export const text = z.string();

/** A name of DNS, without scheme or port; `*` may stand for its first part. */
export const host = z
  .string()
  .regex(
    /^(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/,
    'must be a host name in lower case, without scheme, port and path, as mcp.example.com or *.example.com',
  );
/** A URL for people or programs to open; empty for none. */
export const webUrl = z
  .string()
  .regex(
    /^$|^https?:\/\/[^\s"\\/?#]+[^\s"\\]*$/,
    'must be a URL that begins with http:// or https://, as https://grafana.example.com',
  );
/** Of a URL. */
export const path = z.string().regex(/^\//, 'must begin with /');
export const textMap = z.record(z.string(), z.string());
export const flag = z.boolean();
export const count = z.int().min(0);
export const port = z.int().min(1).max(65_535);
export const portOrNone = z.int().min(0).max(65_535);

/** Strict, because Kubernetes drops a field it does not know with a warning, and an empty selector selects everything. */
const labelSelector = z
  .strictObject({
    matchLabels: textMap.optional(),
    matchExpressions: z
      .array(
        z.strictObject({
          key: text.min(1),
          operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
          values: z.array(text).optional(),
        }),
      )
      .optional(),
  })
  .meta({ id: 'LabelSelector' });

const peer = z
  .strictObject({
    podSelector: labelSelector.optional(),
    namespaceSelector: labelSelector.optional(),
    ipBlock: z.strictObject({ cidr: text.min(1), except: z.array(text).optional() }).optional(),
  })
  .meta({ id: 'NetworkPolicyPeer' });
export const peers = z.array(peer);

/** `auto` is on where the cluster has the API. */
export const triState = z.union([z.literal('auto'), z.boolean()]);

/** Texts for which the schema takes numbers, because Helm would only say that it got one; the templates refuse them. */
export const numbersRefusedByTemplates = z.registry<{ readonly refused: true }>();

/** As Prometheus writes them; empty for unset. */
export const duration = z
  .string()
  .regex(
    /^$|^(0|(\d+y)?(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?)$/,
    'must be a duration with its unit, such as 30s, 5m or 1h30m',
  )
  .register(numbersRefusedByTemplates, { refused: true });

export const quantity = z.union([
  z
    .string()
    .regex(
      /^(\d+|\d+\.\d+|\.\d+)(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|e\d+)?$/,
      'must be an amount as Kubernetes writes it, as 500m, 2, 256Mi or 1Gi',
    ),
  z.number().min(0),
]);

/** A number, or a share such as `25%`; null as if it were not set, for a values file that takes back what another one sets. */
export const countOrShare = z.union([
  z.int().min(0),
  z.string().regex(/^\d+%?$/, 'must be a number or a share, as 1 or 25%'),
  z.null(),
]);

/** The name of a Secret or a ConfigMap; empty for none. */
export const objectName = z
  .string()
  .regex(
    /^$|^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/,
    'must be a name as Kubernetes has them: lower-case letters, digits, - and .',
  );

/** A key of a Secret; the name is empty for none. */
export const secretKey = (key: string, what: string) =>
  z
    .strictObject({
      name: objectName.default('').describe('Name of an existing Secret; empty for none'),
      key: text.min(1).default(key).describe('Key in the Secret'),
    })
    .prefault({})
    .describe(what);

/** Values that null takes away. */
export const removables = z.registry<{ readonly removable: true }>();

/** A value that null takes away, because somebody may want to do without. Of all others null is refused. */
export function removable<Schema extends z.ZodType>(schema: Schema): Schema {
  const described = schema.describe(`${schema.description ?? ''}; null for none`);
  removables.add(described, { removable: true });
  return described;
}
