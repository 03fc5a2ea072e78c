import { describe, expect, it } from '@jest/globals';
import { eventId, missionIdOf } from './event-id.ts';

describe('the id of an event', () => {
  it('is the same for the same cause, stream and place, on every machine and for ever', () => {
    // By other implementations of SHA-1 and of RFC 9562.
    expect(eventId('mission-1', 'cause', 'plan-1', 0)).toBe('9db41f38-eda9-8659-a845-96374ed8abac');
    expect(missionIdOf('k-1')).toBe('c9a058d7-1a81-533f-b016-823377a11735');
  });

  it('is another for another cause, stream or place', () => {
    const ids = [
      eventId('mission-1', 'cause', 'plan-1', 0),
      eventId('mission-1', 'other', 'plan-1', 0),
      eventId('mission-1', 'cause', 'plan-2', 0),
      eventId('mission-1', 'cause', 'plan-1', 1),
      eventId('mission-2', 'cause', 'plan-1', 0),
    ];
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('lies beside those of the same mission, and of no other', () => {
    const place = (correlation_id: string, causation_id: string): string =>
      eventId(correlation_id, causation_id, `plan-${causation_id}`, 0).slice(0, 13);
    expect(place('mission-1', 'a')).toBe(place('mission-1', 'b'));
    expect(place('mission-2', 'a')).not.toBe(place('mission-1', 'a'));
  });
});
