import { describe, expect, it, onTestFinished } from 'vitest';
import { connectClient } from '../support/clients.ts';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';
import { startServer } from '../support/server-process.ts';
import { at, one, renderPlain as render, type RenderOptions, type Values } from './helm.ts';

interface Variable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: object;
}

const tracingTo = (endpoint: string, tracing: Values = {}): Values => ({
  config: { ops: { port: 9998 }, tracing: { endpoint } },
  tracing,
});

/** The variables of the OpenTelemetry SDK that the pod gets, and those they refer to. */
async function variables(values: Values, helm?: RenderOptions['helm']): Promise<readonly Variable[]> {
  const options = { values, namespace: 'agents', ...(helm && { helm }) };
  const deployment = one(await render(options), 'Deployment');
  const env = at<readonly Variable[]>(deployment, 'spec.template.spec.containers.0.env');
  return env.filter(({ name }) => name.startsWith('OTEL_') || name === 'POD_NAME');
}

describe('traces', () => {
  it('cost no variable where there is no collector', async () => {
    expect(await variables({})).toEqual([]);
  });

  it('reach the collector under the name of the release, and say which pod they are of', async () => {
    const receiver = await startOtlpReceiver();
    onTestFinished(() => receiver.stop());
    const resourceAttributes = { 'deployment.environment.name': 'staging, eu=1+1' };
    const env = Object.fromEntries(
      (
        await variables({ ...tracingTo(receiver.url, { resourceAttributes }), fullnameOverride: 'weather' })
      ).map(({ name, value }) => [
        name,
        // As the kubelet does.
        value?.replace('$(POD_NAME)', 'nexus-mcp-7d4b9') ?? 'nexus-mcp-7d4b9',
      ]),
    );
    const server = await startServer({
      args: ['--tracing.endpoint', receiver.url],
      env: { ...env, OTEL_BSP_SCHEDULE_DELAY: '50' },
    });
    onTestFinished(() => void server.stop());
    const { client } = await connectClient(server.url, '2026-07-28');
    await client.callTool({ name: 'add', arguments: { a: 5, b: 3 } });
    await client.close();
    const { resource } = await receiver.span('tools/call add');
    expect(resource).toMatchObject({
      'service.name': 'weather',
      'service.namespace': 'agents',
      'k8s.namespace.name': 'agents',
      'k8s.deployment.name': 'weather',
      'k8s.pod.name': 'nexus-mcp-7d4b9',
      ...resourceAttributes,
    });
  });

  it('are sampled as asked where they begin here, and carry headers from a Secret', async () => {
    const tracing = { ratio: 0.25, headersSecret: { name: 'collector' } };
    const found = await variables(tracingTo('http://collector:4318', tracing));
    expect(found).toEqual(
      expect.arrayContaining([
        { name: 'OTEL_TRACES_SAMPLER', value: 'parentbased_traceidratio' },
        { name: 'OTEL_TRACES_SAMPLER_ARG', value: '0.25' },
        {
          name: 'OTEL_EXPORTER_OTLP_HEADERS',
          valueFrom: { secretKeyRef: { name: 'collector', key: 'headers' } },
        },
      ]),
    );
  });

  it('are sampled by another sampler, which has no share', async () => {
    const found = await variables(tracingTo('http://collector:4318', { sampler: 'parentbased_always_off' }));
    expect(found).toContainEqual({ name: 'OTEL_TRACES_SAMPLER', value: 'parentbased_always_off' });
    expect(found.map(({ name }) => name)).not.toContain('OTEL_TRACES_SAMPLER_ARG');
  });

  it('have another name of the service where it is asked for', async () => {
    const env = await variables(
      tracingTo('http://collector:4318', { resourceAttributes: { 'service.name': 'weather' } }),
    );
    expect(env.map(({ name }) => name)).not.toContain('OTEL_SERVICE_NAME');
    expect(env.find(({ name }) => name === 'OTEL_RESOURCE_ATTRIBUTES')?.value).toContain(
      ',service.name=weather,',
    );
  });

  it.each(['helm3', 'helm4'] as const)('name the pod, with %s', async (helm) => {
    const found = await variables(tracingTo('http://collector:4318'), helm);
    expect(found.find(({ name }) => name === 'OTEL_RESOURCE_ATTRIBUTES')?.value).toMatch(
      /^k8s\.pod\.name=\$\(POD_NAME\),/,
    );
  });

  it.each([
    ['http://collector.observability:4318', 4318],
    ['https://otlp.example.com', 443],
    ['http://collector/otlp', 80],
    ['http://[fd00::1]:4318/otlp', 4318],
  ])('to %s pass the network policy at port %d', async (endpoint, port) => {
    const policy = async (values: Values) =>
      at<readonly unknown[]>(one(await render({ values }), 'NetworkPolicy'), 'spec.egress');
    const enabled = { networkPolicy: { enabled: true } };
    const without = await policy(enabled);
    const egress = await policy({ ...tracingTo(endpoint), ...enabled });
    const added = egress.filter(
      (rule) => !without.some((old) => JSON.stringify(old) === JSON.stringify(rule)),
    );
    expect(added).toEqual([{ ports: [{ port, protocol: 'TCP' }], to: [{ namespaceSelector: {} }] }]);
  });
});
