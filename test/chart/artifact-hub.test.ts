import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { CHART } from './helm.ts';

const yaml = <T extends z.ZodType>(schema: T) => z.string().transform((text) => schema.parse(parse(text)));
const boolean = z.enum(['true', 'false']);
const link = z.strictObject({ name: z.string().min(1), url: z.url() });

const CATEGORIES = [
  ...(['ai-machine-learning', 'database', 'integration-delivery', 'monitoring-logging'] as const),
  ...(['networking', 'security', 'storage', 'streaming-messaging', 'skip-prediction'] as const),
] as const;

/** By https://artifacthub.io/docs/topics/annotations/helm; an annotation that it does not name is refused. */
const annotations = z.strictObject({
  'artifacthub.io/category': z.enum(CATEGORIES),
  'artifacthub.io/changes': yaml(
    z
      .array(
        z.strictObject({
          kind: z.enum(['added', 'changed', 'deprecated', 'removed', 'fixed', 'security']),
          description: z.string().min(1),
          links: z.array(link).optional(),
        }),
      )
      .min(1),
  ),
  'artifacthub.io/containsSecurityUpdates': boolean,
  'artifacthub.io/images': yaml(
    z.array(
      z.strictObject({
        name: z.string(),
        image: z.string(),
        whitelisted: z.boolean().optional(),
        platforms: z.array(z.string()).optional(),
      }),
    ),
  ),
  'artifacthub.io/license': z.string(),
  'artifacthub.io/links': yaml(z.array(link).min(1)),
  'artifacthub.io/operator': boolean,
  'artifacthub.io/prerelease': boolean,
  'artifacthub.io/recommendations': yaml(
    z.array(z.strictObject({ url: z.string().startsWith('https://artifacthub.io/packages/') })).max(5),
  ),
});

const read = (path: string): unknown => parse(readFileSync(path, 'utf8'));
const chart = z
  .looseObject({ version: z.string(), appVersion: z.string(), annotations: z.unknown() })
  .parse(read(`${CHART}Chart.yaml`));

describe('Artifact Hub', () => {
  const found = annotations.parse(chart.annotations);

  it('lists the images that the chart runs with no values', () => {
    const { image } = z
      .looseObject({
        image: z.looseObject({ registry: z.string(), repository: z.string(), tag: z.string() }),
      })
      .parse(read(`${CHART}values.yaml`));
    const name = [image.registry, image.repository].filter((part) => part !== '').join('/');
    const tag = image.tag === '' ? chart.appVersion : image.tag;
    expect(found['artifacthub.io/images'].map((entry) => entry.image)).toEqual([`${name}:${tag}`]);
  });

  it('is told that a version below 1.0.0, or with a suffix, is a prerelease', () => {
    const prerelease = /^0\.|-/.test(chart.version);
    expect(found['artifacthub.io/prerelease']).toBe(String(prerelease));
  });

  it('is told of the licence and the version that the package has', () => {
    const { license, version } = z
      .looseObject({ license: z.string(), version: z.string() })
      .parse(JSON.parse(readFileSync('package.json', 'utf8')));
    expect(found['artifacthub.io/license']).toBe(license);
    expect(chart).toMatchObject({ version, appVersion: version });
  });

  it('refuses a kind of change, and an annotation, that it does not know', () => {
    const own = chart.annotations as object;
    const changes = { ...own, 'artifacthub.io/changes': '- { kind: new, description: x }' };
    expect(() => annotations.parse(changes)).toThrow('deprecated');
    expect(() => annotations.parse({ ...own, 'artifacthub.io/licence': 'MIT' })).toThrow('licence');
  });
});
