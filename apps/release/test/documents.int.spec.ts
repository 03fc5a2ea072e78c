import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { digest, MISSION } from '@baton/testing';
import { bench, type Bench } from './bench.ts';

describe('the release of a mission without a repository', () => {
  let on: Bench;
  beforeEach(async () => {
    on = await bench({ 'README.md': 'A project\n' });
  });
  afterEach(() => on.dispose());

  it('puts the documents of all its tasks together, in order', async () => {
    const accepted = [await on.document('research', 'What is known.'), await on.document('write', 'What follows.')];
    const check = { run: ['sh', '-c', 'grep -q known output && grep -q follows output'], timeout_ms: 10_000 };
    const delivery = {
      title: 'Two documents',
      requested_by: 'alice',
      repository: null,
      criteria: [{ id: 'both', statement: 'both are there', check }],
      rollback: 'forget them',
      risk: 'low',
      contract_digest: digest('c'),
    } as const;
    const data = { mission_id: MISSION, delivery: { ...delivery, criteria: [...delivery.criteria] }, accepted };
    await on.deliver(await on.recorded({ type: 'PlanCompleted', data }, `plan-${MISSION}`));
    await on.workEnds();
    expect(await on.types(MISSION)).toEqual(['IntegrationStarted', 'IntegrationTested', 'ReleaseProposed']);
    expect(await on.last(MISSION, 'IntegrationTested')).toMatchObject({
      change: { files: ['output-1', 'output-2'] },
      receipts: [{ exit_code: 0 }],
    });
  });
});
