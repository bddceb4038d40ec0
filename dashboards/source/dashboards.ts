import type { Dashboard } from './dashboard.ts';
import { fleet } from './fleet.ts';
import { overview } from './overview.ts';
import { runtime } from './runtime.ts';
import { tools } from './tools.ts';

/** Every dashboard, in the order a person on call reads them. */
export const DASHBOARDS: readonly Dashboard[] = [overview, tools, runtime, fleet];
