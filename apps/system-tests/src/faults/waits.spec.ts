import { expect, it } from '@jest/globals';
import type { EventRecord } from '@baton/contracts';
import { tellWaits } from './waits.ts';

const at = (position: number, mission: string, type: string, second: number): EventRecord =>
  ({
    position,
    type,
    stream: `mission-${mission}`,
    data: { mission_id: mission },
    recorded_at: `2026-11-21T00:00:0${second}.000000Z`,
  }) as unknown as EventRecord;

it('tells of the mission that ended last what it waited for, longest first', () => {
  const events = [
    at(1, 'slow', 'MissionRequested', 0),
    at(2, 'quick', 'MissionRequested', 0),
    at(3, 'slow', 'MissionAccepted', 1),
    at(4, 'quick', 'MissionCompleted', 5),
    at(5, 'slow', 'MissionCompleted', 8),
  ];
  expect(tellWaits(events, 500)).toBe(
    'mission slow: 7000 ms from MissionAccepted (3) to MissionCompleted (5) of mission-slow, ' +
      '1000 ms from MissionRequested (1) to MissionAccepted (3) of mission-slow',
  );
});

it('tells nothing where nothing was waited for, or nothing ended', () => {
  expect(tellWaits([at(1, 'one', 'MissionRequested', 0), at(2, 'one', 'MissionFailed', 0)], 500)).toBe(
    'mission one: no long wait',
  );
  expect(tellWaits([at(1, 'one', 'MissionRequested', 0)], 500)).toBe('no mission has ended');
});
