/** Looks the template up that a mission names; the plan itself is decided in the domain. */
import type { Expansion, PlanCommand } from '@baton/domain';
import type { ServiceDefinition } from '@baton/handling';
import { expand } from './template.ts';
import type { Templates } from './templates.ts';

type PlanMission = Extract<PlanCommand, { type: 'PlanMission' }>;

export function planner(templates: Templates): ServiceDefinition {
  const expansionOf = (command: PlanMission): Expansion => {
    const found = templates.find(command.contract.template);
    if (!found)
      return { problem: `template ${command.contract.template} is not known; known: ${templates.references.join(', ')}` };
    return expand(found.template, found.digest, command.contract);
  };
  return {
    name: 'planner',
    prepare: { PlanMission: (command: PlanMission) => ({ ...command, expansion: expansionOf(command) }) },
  };
}
