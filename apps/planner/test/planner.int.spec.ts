import { hash } from 'node:crypto';
import { join } from 'node:path';
import { missionContractSchema } from '@baton/contracts';
import { createService } from '@baton/handling';
import { memoryRecord } from '@baton/simulation';
import { describe, expect, it } from '@jest/globals';
import { readTemplates } from '../src/templates.ts';
import { planner } from '../src/work.ts';

const MISSION = 'm-1';
const PLAN = `plan-${MISSION}`;

/** Asks the planner, as it runs, for the plan of a mission; resolves to what is then in the log. */
async function planned(template: string, parameters: Readonly<Record<string, unknown>> = {}) {
  const { log, deadLetters } = memoryRecord({ now_ms: () => 0, sha256: (bytes) => hash('sha256', bytes, 'buffer') });
  const service = createService(planner(await readTemplates(join(import.meta.dirname, '../templates'))), {
    log,
    dead_letters: deadLetters,
    holder: 'planner-1',
    slots: 1,
  });
  const contract = missionContractSchema.parse({
    baton: 'mission/v1',
    title: 'Health endpoint',
    objective: 'Answer GET /health.',
    scope: { include: ['services/**'] },
    non_goals: ['no metrics'],
    criteria: [{ id: 'written', statement: 'it is written' }],
    rollback: 'revert the commit',
    risk: 'low',
    agent: { runtime: 'scripted', output: 'done' },
    template,
    parameters,
  });
  await service.submit({
    stream: PLAN,
    command: {
      type: 'PlanMission',
      mission_id: MISSION,
      contract,
      contract_digest: `sha256:${'c'.repeat(64)}`,
      requested_by: 'ada',
      expansion: null,
    },
    causation_id: 'accepted',
    correlation_id: MISSION,
    actor: { kind: 'service', id: 'planner' },
  });
  await service.stop(0);
  return (await log.load(PLAN)).map(({ type, data }) => ({ type, data: JSON.parse(data) as unknown }));
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
    ['that does not fit', 'per-package@1', {}, 'template per-package@1: parameters.packages is missing: add it (a list)'],
  ])('fails the plan of a template %s, and says why', async (_what, template, parameters, reason) => {
    expect(await planned(template, parameters)).toMatchObject([
      { type: 'PlanningStarted' },
      { type: 'PlanFailed', data: { failure_class: 'semantic', reason, stop: [] } },
    ]);
  });
});
