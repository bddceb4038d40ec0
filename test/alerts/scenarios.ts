import type { Scenario } from './scenario.ts';
import { capacityScenarios } from './scenarios/capacity.ts';
import { discoveryScenarios } from './scenarios/discovery.ts';
import { goneScenarios } from './scenarios/gone.ts';
import { quietScenarios } from './scenarios/quiet.ts';
import { recordScenarios } from './scenarios/records.ts';
import { runtimeScenarios } from './scenarios/runtime.ts';
import { serviceLevelScenarios } from './scenarios/service-levels.ts';
import { sessionScenarios } from './scenarios/sessions.ts';
import { targetScenarios } from './scenarios/targets.ts';
import { toolScenarios } from './scenarios/tools.ts';
import { upstreamScenarios } from './scenarios/upstreams.ts';

export const SCENARIOS: readonly Scenario[] = [
  ...quietScenarios,
  ...goneScenarios,
  ...serviceLevelScenarios,
  ...targetScenarios,
  ...recordScenarios,
  ...toolScenarios,
  ...upstreamScenarios,
  ...discoveryScenarios,
  ...runtimeScenarios,
  ...sessionScenarios,
  ...capacityScenarios,
];
