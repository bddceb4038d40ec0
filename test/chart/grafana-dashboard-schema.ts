const text = { type: 'string' };
const closed = (properties: object, required: readonly string[] = []) => ({
  type: 'object',
  additionalProperties: false,
  properties,
  required,
});
const texts = { type: 'object', additionalProperties: text };

/**
 * The part of the GrafanaDashboard of Grafana Operator 5 (grafana.integreatly.org/v1beta1) that the chart uses; npm has
 * no package of it.
 */
export const grafanaDashboard = closed(
  {
    apiVersion: { const: 'grafana.integreatly.org/v1beta1' },
    kind: { const: 'GrafanaDashboard' },
    metadata: closed({ name: text, namespace: text, labels: texts, annotations: texts }, ['name']),
    spec: closed(
      {
        instanceSelector: closed({ matchLabels: texts, matchExpressions: { type: 'array' } }),
        configMapRef: closed({ name: text, key: text, optional: { type: 'boolean' } }, ['key']),
        allowCrossNamespaceImport: { type: 'boolean' },
        resyncPeriod: { type: 'string', pattern: '^([0-9]+(\\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$' },
        folder: text,
        folderRef: text,
      },
      ['instanceSelector'],
    ),
  },
  ['apiVersion', 'kind', 'metadata', 'spec'],
);
