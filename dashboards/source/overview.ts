import type { Dashboard } from './dashboard.ts';
import { causes } from './overview/causes.ts';
import { glance } from './overview/glance.ts';
import { errorBudgetBurn, serviceLevels } from './overview/service-levels.ts';
import { clients, latencies, traffic } from './overview/traffic.ts';

/** Is anyone hurt, by what, and since when. */
export const overview: Dashboard = {
  name: 'overview',
  title: 'Overview & SLO',
  answers:
    'Is anyone hurt, by which tool and for what reason, since when, and how much of the error budget does it cost?',
  sections: [
    // The first screen: who is hurt, which tool fails and why, and how soon it matters.
    { panels: [...glance, ...causes, errorBudgetBurn] },
    { heading: 'Service levels', panels: serviceLevels },
    { heading: 'Traffic', panels: traffic },
    { heading: 'Latency', panels: latencies },
    { heading: 'Clients', panels: clients },
  ],
};
