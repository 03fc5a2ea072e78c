import type { EventRecord } from '@baton/contracts';
import { describe, expect, it } from '@jest/globals';
import { attemptsOutside, landings, recordedTwice, type Outside } from './once.ts';

const event = (type: string, data: object = {}): EventRecord =>
  ({ type, stream: 'task-m1-a', data: { mission_id: 'm1', ...data } }) as unknown as EventRecord;
const contract = {
  agent: { runtime: 'command', command: ['sh', '-c', 'count', '/effects/counter', 'key'] },
  repository: { url: '/repository', target: 'main' },
};
const HISTORY = [
  event('MissionAccepted', { contract }),
  event('AttemptStarted', { attempt: 1 }),
  event('AttemptSucceeded', { attempt: 1 }),
  event('MissionCompleted', { commit: 'c1' }),
];
const SOUND: Outside = {
  effects: ['key 1'],
  counter: '/effects/counter',
  landed: [{ commit: 'c1', mission_id: 'm1' }],
  forgotten: new Set(),
};
const found = (outside: Partial<Outside>, events = HISTORY): readonly string[] => [
  ...recordedTwice(events),
  ...attemptsOutside(events, { ...SOUND, ...outside }),
  ...landings(events, { ...SOUND, ...outside }),
];

describe('what was done outside', () => {
  it('is nothing to speak of where everything was done once', () => {
    expect(found({})).toEqual([]);
  });

  it('is recorded once', () => {
    const twice = [...HISTORY.slice(0, 3), event('AttemptSucceeded', { attempt: 1 }), ...HISTORY.slice(3)];
    expect(recordedTwice(twice)).toEqual([expect.stringMatching(/AttemptSucceeded.* 2 times/)]);
  });

  it('was not done where no agent counted itself', () => {
    expect(found({ effects: [] })).toEqual(['attempt key 1 is recorded as succeeded and no agent began']);
  });

  it('was done twice where one attempt began twice', () => {
    expect(found({ effects: ['key 1', 'key 1'] })).toEqual(['the agent of attempt key 1 began 2 times']);
  });

  it('was done behind the record where an agent began for no attempt', () => {
    expect(found({ effects: ['key 1', 'key 2'] })).toEqual(['an agent began for key 2, which is not recorded']);
  });

  it('may be done again by another attempt, where the first was lost', () => {
    const events = [
      event('MissionAccepted', { contract }),
      event('AttemptStarted', { attempt: 1 }),
      event('AttemptLost', { attempt: 1 }),
      event('AttemptStarted', { attempt: 2 }),
      event('AttemptSucceeded', { attempt: 2 }),
      event('MissionCompleted', { commit: 'c1' }),
    ];
    expect(found({ effects: ['key 1', 'key 2'] }, events)).toEqual([]);
  });
});

describe('main', () => {
  it('has a commit for each completed mission that changes it', () => {
    expect(found({ landed: [] })).toEqual(['mission m1 is completed with c1, which is not on main']);
  });

  it('has the commit that is recorded', () => {
    expect(found({ landed: [{ commit: 'c2', mission_id: 'm1' }] })).toEqual([
      'mission m1 is completed with c1, which is not on main',
    ]);
  });

  it('has no mission twice', () => {
    const landed = [...SOUND.landed, { commit: 'c2', mission_id: 'm1' }];
    expect(found({ landed })).toEqual(['mission m1 is 2 times on main']);
  });

  it('has nothing of which the log knows nothing, but for what an older log has forgotten', () => {
    const landed = [...SOUND.landed, { commit: 'c2', mission_id: 'm2' }];
    expect(found({ landed })).toEqual([expect.stringContaining('commit c2 is on main for "m2"')]);
    expect(found({ landed, forgotten: new Set(['m2']) })).toEqual([]);
  });
});
