import { execFileSync } from 'node:child_process';
import { chmod, copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import {
  ALERTMANAGER_IMAGE,
  NGINX_IMAGE,
  NODE_IMAGE,
  PROMETHEUS_IMAGE,
} from '../../test/integration/images.ts';
import { cached } from './cache.ts';
import { run } from './run.ts';

/** How a stand-in is made from Debian packages. */
export interface Recipe {
  /** The Dockerfile beside this file. */
  readonly dockerfile: string;
  readonly suite: string;
  /** All packages it takes, dependencies included. */
  readonly packages: readonly string[];
  readonly buildArgs?: Readonly<Record<string, string>>;
  /** Adds to the root file system what is not in the packages. */
  readonly complete?: (root: string) => Promise<void>;
}

const NPM = '11.19.1';
/** Certificates that this machine trusts besides the public ones, as Node or else npm is told of them. */
const trustedHere = process.env['NODE_EXTRA_CA_CERTS'] ?? certificatesOfNpm();
const EXTRA_CA_CERTS = '/usr/local/share/extra-ca-certs.pem';

function certificatesOfNpm(): string {
  const file = execFileSync('npm', ['config', 'get', 'cafile'], { encoding: 'utf8' }).trim();
  return file === 'null' ? '' : file;
}

/** Adds the Node that runs this, which is the one the project pins, and npm. */
async function addNode(root: string): Promise<void> {
  const local = join(root, 'usr/local');
  const npm = join(local, 'lib/node_modules/npm');
  for (const directory of [npm, join(local, 'bin'), join(local, 'share')]) {
    await mkdir(directory, { recursive: true });
  }
  await copyFile(process.execPath, join(local, 'bin/node'));
  const downloads = await cached(`npm-${NPM}`, async (directory) => {
    await run('npm', ['pack', '--silent', `npm@${NPM}`], directory);
  });
  await run('tar', ['-xzf', join(downloads, `npm-${NPM}.tgz`), '-C', npm, '--strip-components=1']);
  if (trustedHere === '') return;
  await copyFile(trustedHere, join(root, EXTRA_CA_CERTS));
  await chmod(join(root, EXTRA_CA_CERTS), 0o644);
}

/** The stand-ins, by the image they stand for. */
export const RECIPES: Readonly<Record<string, Recipe>> = {
  [PROMETHEUS_IMAGE]: {
    dockerfile: 'prometheus.Dockerfile',
    suite: 'sid',
    packages: ['prometheus', 'promtool', 'libc6', 'busybox-static', 'tzdata'],
  },
  [ALERTMANAGER_IMAGE]: {
    dockerfile: 'alertmanager.Dockerfile',
    suite: 'sid',
    packages: ['prometheus-alertmanager', 'libc6', 'busybox-static', 'tzdata'],
  },
  [NGINX_IMAGE]: {
    dockerfile: 'nginx.Dockerfile',
    suite: 'sid',
    packages: [
      ...['nginx', 'nginx-common', 'libc6', 'libcrypt1', 'libpcre2-8-0', 'libssl3t64', 'libzstd1', 'zlib1g'],
      'busybox-static',
    ],
  },
  [NODE_IMAGE]: {
    dockerfile: 'node.Dockerfile',
    suite: 'bookworm',
    packages: [
      ...['base-files', 'base-passwd', 'dash', 'coreutils', 'sed', 'grep', 'tzdata'],
      ...['libc6', 'libstdc++6', 'libgcc-s1', 'gcc-12-base'],
      ...['libacl1', 'libattr1', 'libgmp10', 'libselinux1', 'libpcre2-8-0'],
    ],
    buildArgs: {
      EXTRA_CA_CERTS: trustedHere === '' ? '' : EXTRA_CA_CERTS,
      NODE_VERSION: process.versions.node,
      NPM_VERSION: NPM,
    },
    complete: addNode,
  },
};
