import { expect, it } from 'vitest';
import { KubernetesApi } from '../support/kubernetes-api.ts';
import { startTestServer } from '../support/test-server.ts';
import { waitFor } from '../support/wait.ts';

it('Services are listed again at latest after discovery.resyncSeconds, a tenth more or less', async () => {
  const api = new KubernetesApi();
  await api.listen();
  const server = await startTestServer({
    discovery: { enabled: true, kubeconfig: api.kubeconfig(), resyncSeconds: 40 },
  });
  await waitFor(() => {
    expect(api.watchers).toBe(1);
  });
  const { kind, url } = api.asked.at(-1) ?? {};
  expect(kind).toBe('watch');
  // The API itself ends the watch when the next list is due.
  const seconds = Number(url?.searchParams.get('timeoutSeconds'));
  expect(seconds).toBeGreaterThan(0);
  expect(seconds).toBeLessThanOrEqual(44);
  expect(await server.stop()).toBe(true);
  await api.close();
});
