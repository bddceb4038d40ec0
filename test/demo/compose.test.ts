import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ALERTMANAGER_IMAGE, GRAFANA_IMAGE, NODE_IMAGE, PROMETHEUS_IMAGE } from '../integration/images.ts';

const ROOT = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, ROOT), 'utf8');

interface Service {
  readonly image: string;
  readonly build?: object;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}
const { services } = parse(read('compose.yaml')) as { services: Record<string, Service> };

describe('compose.yaml', () => {
  it('names the images that the tests pin, and builds the others', () => {
    const pulled = Object.values(services).filter(({ build }) => !build);
    expect(pulled.map(({ image }) => image).sort()).toEqual(
      [ALERTMANAGER_IMAGE, GRAFANA_IMAGE, PROMETHEUS_IMAGE].sort(),
    );
    for (const path of ['Dockerfile', 'demo/Dockerfile'])
      expect(read(path), path).toContain(`ARG NODE_IMAGE=${NODE_IMAGE}\n`);
  });

  it('opens ports on loopback alone', () => {
    const ports = Object.values(services).flatMap((service) => service.ports ?? []);
    expect(ports.length).toBeGreaterThan(0);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\$\{[A-Z]+_PORT:-\d+\}:\d+$/);
  });

  it('mounts what there is, read-only', () => {
    const mounts = Object.values(services).flatMap((service) => service.volumes ?? []);
    expect(mounts.length).toBeGreaterThan(0);
    for (const mount of mounts) {
      const [source = '', , mode] = mount.split(':');
      expect(mode, mount).toBe('ro');
      expect(existsSync(new URL(source, ROOT)), mount).toBe(true);
    }
  });

  it('lets Prometheus keep exemplars, which the dashboards show', () => {
    expect(services['prometheus']?.command).toContain('--enable-feature=exemplar-storage');
    // A command replaces all of the image's own.
    expect(services['prometheus']?.command).toContain('--config.file=/etc/prometheus/prometheus.yml');
  });

  it('lets Grafana send and fetch nothing', () => {
    expect(services['grafana']?.environment).toMatchObject({
      GF_ANALYTICS_REPORTING_ENABLED: 'false',
      GF_ANALYTICS_CHECK_FOR_UPDATES: 'false',
      GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES: 'false',
      GF_NEWS_NEWS_FEED_ENABLED: 'false',
      GF_PLUGINS_PREINSTALL_DISABLED: 'true',
    });
  });
});

it("the demonstration's Alertmanager calls nobody", () => {
  expect(read('demo/alertmanager.yaml')).not.toMatch(/https?:|_configs/);
});
