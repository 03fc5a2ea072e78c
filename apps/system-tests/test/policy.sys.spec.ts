/** Who starts a stack with a policy of their own is decided for by that one. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '@baton/testing';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { batonAt, type Baton } from '../src/baton.ts';
import { documentMission } from './document-mission.ts';

const STEP_MS_MAX = 90_000;
jest.setTimeout(STEP_MS_MAX);

const mission = documentMission();

describe('a stack that is started with a policy which permits nothing', () => {
  let baton: Baton;
  beforeAll(async () => {
    // Relative, as it is typed: services run in another directory.
    baton = await batonAt('home', { BATON_POLICY_DIR: 'strict', BATON_POLICY_DIRECTORY: 'strict' });
    const bundle = join(baton.directory, 'strict');
    await mkdir(bundle);
    await writeFile(join(bundle, 'manifest.json'), JSON.stringify({ id: 'strict', version: '1.0.0', path_sets: {} }));
    await writeFile(
      join(bundle, 'policy.cedar'),
      '@id("nothing-passes")\nforbid (principal, action in [Action::"pass", Action::"notify"], resource);\n',
    );
    await writeFile(join(baton.directory, 'mission.json'), JSON.stringify(mission));
  });
  afterAll(() => baton?.remove());

  it('asks a person also where little is at risk, and says which settings it did not use', async () => {
    expect(await baton.json('up')).toMatchObject({ exit: 0, answer: { unused: ['BATON_POLICY_DIRECTORY'] } });
    const { answer } = await baton.json<{ mission_id: string }>('submit', 'mission.json', '--as', 'ada');
    const id = answer.mission_id;
    const open = await eventually(
      async () => {
        const { answer: why } = await baton.json<{ ended: boolean; waits: { on: string; action: string }[] }>('why', id);
        // Ended: it was let through, and no card will come.
        return (why.ended || why.waits[0]?.on === 'person') && why;
      },
      { within_ms: 40_000, what: 'a person is asked' },
    );
    expect(open.ended).toBe(false);
    expect(open.waits[0]?.action).toContain(`baton approve ${id.slice(0, 8)}.1`);
    const { answer: told } = await baton.json<{ cards: object[] }>('approvals');
    expect(told.cards).toMatchObject([{ mission_id: id, policy: { id: 'strict' }, card: { risk: 'low' } }]);
    expect((await baton.run('up')).stdout).toContain('as the stack runs already: BATON_POLICY_DIR, BATON_POLICY_DIRECTORY');
  });
});
