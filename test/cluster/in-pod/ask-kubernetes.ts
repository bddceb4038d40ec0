import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import process from 'node:process';

// Asks the Kubernetes API with the pod's own token, and prints the status of each answer as JSON. It is given to `node -e` in a pod
// that does not have it, so that the paths come first in its arguments.

const MOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = process.env;
const ca = readFileSync(`${MOUNT}/ca.crt`);
const headers = { authorization: `Bearer ${readFileSync(`${MOUNT}/token`, 'utf8')}` };

const statusOf = (path: string): Promise<number> =>
  new Promise((resolve, reject) => {
    request({ host, port, path, ca, headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .once('error', reject)
      .end();
  });

const statuses = await Promise.all(process.argv.slice(1).map(statusOf));
process.stdout.write(JSON.stringify(statuses));
