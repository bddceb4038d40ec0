import process from 'node:process';
import { KubernetesApi } from './kubernetes-api.ts';
import { startTestServer } from './test-server.ts';

// A server in a process of its own that asks for its upstreams every moment, and the Kubernetes API that it asks. That lists none as
// long as it is told so.

const api = new KubernetesApi();
await api.listen();
const server = await startTestServer(
  {
    ...(JSON.parse(process.argv[2] ?? '{}') as Record<string, object>),
    discovery: { enabled: true, kubeconfig: api.kubeconfig() },
  },
  undefined,
  {},
  { resync: 0.05, listAtLeast: 0.02, again: 0.05, againAtMost: 0.05 },
);
// A list waits for the end of the watch before, which is a second away at least.
setInterval(() => {
  api.endWatches();
}, 50).unref();
process.on('message', (refuses: boolean) => {
  if (refuses) api.refuses.set('list', 503);
  else api.refuses.delete('list');
});
process.on('disconnect', () => void server.stop().then(() => api.close()));
process.send?.(server.url);
