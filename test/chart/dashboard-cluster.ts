import { join } from 'node:path';
import type { Manifest } from './helm.ts';

/** What a dashboard says of itself, and the folder that its file is in. */
export interface LoadedDashboard {
  readonly folder: string;
  readonly uid: string;
  readonly title: string;
  readonly tags: readonly string[];
  readonly text: string;
}

/**
 * A cluster with the sidecar of Grafana, as far as releases can disturb one another there: Helm takes no object that
 * another release owns, and deletes what a release no longer has after it has made what is new. The sidecar
 * (kiwigrid/k8s-sidecar, resources.py) writes each key of a ConfigMap with its label to the folder of the annotation,
 * whoever else has written that file, and removes it with the key or the ConfigMap.
 */
export class DashboardCluster {
  readonly #owners = new Map<string, { readonly release: string; readonly manifest: Manifest }>();
  readonly #files = new Map<string, string>();
  readonly #foldersAreRead: boolean;

  /** With `foldersAreRead: false` the sidecar knows no annotation, as by the default of Grafana's chart. */
  constructor({ foldersAreRead = true }: { readonly foldersAreRead?: boolean } = {}) {
    this.#foldersAreRead = foldersAreRead;
  }

  /** Installs or upgrades a release. Throws where an object belongs to another. */
  upgrade(release: string, manifests: readonly Manifest[]): void {
    const before = [...this.#owners].filter(([, object]) => object.release === release);
    const names = new Set<string>();
    for (const manifest of manifests) {
      const name = nameOf(manifest);
      const owned = this.#owners.get(name);
      if (owned && owned.release !== release) throw new Error(`${name} belongs to ${owned.release}`);
      names.add(name);
      if (owned) this.#remove(owned.manifest, new Set(this.#pathsOf(manifest).keys()));
      this.#owners.set(name, { release, manifest });
      for (const [path, text] of this.#pathsOf(manifest)) this.#files.set(path, text);
    }
    for (const [name, { manifest }] of before) {
      if (names.has(name)) continue;
      this.#owners.delete(name);
      this.#remove(manifest);
    }
  }

  uninstall(release: string): void {
    this.upgrade(release, []);
  }

  /** What Grafana finds, and throws where it would complain: "the same uid is used more than once", "title is not unique in folder". */
  dashboards(): readonly LoadedDashboard[] {
    const found = [...this.#files].map(([path, text]): LoadedDashboard => {
      const { uid, title, tags } = JSON.parse(text) as LoadedDashboard;
      return { folder: path.split('/').slice(0, -1).join('/'), uid, title, tags, text };
    });
    for (const unique of [
      found.map(({ uid }) => uid),
      found.map(({ folder, title }) => join(folder, title)),
    ]) {
      const twice = unique.filter((one, index) => unique.indexOf(one) < index);
      if (twice.length > 0) throw new Error(`more than once: ${twice.join(', ')}`);
    }
    return found;
  }

  #remove(manifest: Manifest, kept: ReadonlySet<string> = new Set()): void {
    for (const path of this.#pathsOf(manifest).keys()) if (!kept.has(path)) this.#files.delete(path);
  }

  #pathsOf({ kind, metadata, data = {} }: Manifest): ReadonlyMap<string, string> {
    if (kind !== 'ConfigMap' || metadata.labels['grafana_dashboard'] === undefined) return new Map();
    const folder = this.#foldersAreRead ? (metadata.annotations?.['grafana_folder'] ?? '') : '';
    return new Map(
      Object.entries(data as Readonly<Record<string, string>>).map(([key, text]) => [
        join(folder, key),
        text,
      ]),
    );
  }
}

const nameOf = ({ kind, metadata: { namespace = '', name } }: Manifest): string =>
  `${kind} ${namespace}/${name}`;
