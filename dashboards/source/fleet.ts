import type { Dashboard } from './dashboard.ts';
import { monitoring, replicas } from './fleet/instances.ts';
import { protocol, refused } from './fleet/protocol.ts';
import { sessions } from './fleet/sessions.ts';
import { upstreams } from './fleet/upstreams.ts';

/** All instances, and those who talk to them. */
export const fleet: Dashboard = {
  name: 'fleet',
  title: 'Fleet & protocol',
  answers:
    'Are all instances there and of one version, who speaks which protocol, do sessions add up, how are upstreams, who is turned away, and is monitoring itself well?',
  sections: [
    { heading: 'Instances', panels: replicas },
    { heading: 'Protocol', panels: protocol },
    { heading: 'Sessions and subscriptions', panels: sessions },
    { heading: 'Upstreams', panels: upstreams },
    { heading: 'Turned away', panels: refused },
    { heading: 'Monitoring itself', panels: monitoring },
  ],
};
