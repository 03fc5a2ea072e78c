import { join } from 'node:path';
import { missionContractSchema } from '@baton/contracts';
import { contract, digest, MISSION, serviceBench } from '@baton/testing';
import { describe, expect, it } from '@jest/globals';
import { readTemplates } from '../src/templates.ts';
import { planner } from '../src/work.ts';

const PLAN = `plan-${MISSION}`;

/** Asks the planner, as it runs, for the plan of a mission; resolves to what is then in the log. */
async function planned(template: string, parameters: Readonly<Record<string, unknown>> = {}) {
  const templates = await readTemplates(join(import.meta.dirname, '../templates'));
  const { record, runtime, stop } = serviceBench(() => planner(templates));
  await runtime.submit({
    stream: PLAN,
    command: {
      type: 'PlanMission',
      mission_id: MISSION,
      contract: missionContractSchema.parse({ ...contract, template, parameters }),
      contract_digest: digest('c'),
      requested_by: 'ada',
      expansion: null,
    },
    causation_id: 'accepted',
    correlation_id: MISSION,
    actor: { kind: 'service', id: 'planner' },
  });
  await stop();
  return (await record.log.load(PLAN)).map(({ type, data }) => ({ type, data: JSON.parse(data) as unknown }));
}

describe('the planner', () => {
  it('plans with the template that the mission names', async () => {
    expect(await planned('single-task@1')).toMatchObject([
      { type: 'PlanningStarted', data: { template: 'single-task@1' } },
      { type: 'PlanProposed', data: { template_digest: expect.stringMatching(/^sha256:/), tasks: [{ id: 'whole' }] } },
      { type: 'TaskReady', data: { task: { id: 'whole' } } },
    ]);
  });
  it.each<readonly [string, string, Readonly<Record<string, unknown>>, string]>([
    ['it does not know', 'single-task@9', {}, 'template single-task@9 is not known; known: per-package@1, single-task@1'],
    [
      'that does not fit in three ways',
      'per-package@1',
      {},
      'template per-package@1: parameters.packages is missing: add it (a list); parameters.root is missing: add it (a line); parameters.finish is missing: add it (a line)',
    ],
  ])('fails the plan of a template %s, and says why', async (_what, template, parameters, reason) => {
    expect(await planned(template, parameters)).toMatchObject([
      { type: 'PlanningStarted' },
      { type: 'PlanFailed', data: { failure_class: 'semantic', reason, stop: [] } },
    ]);
  });
});
