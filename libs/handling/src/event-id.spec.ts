import { describe, expect, it } from '@jest/globals';
import { eventId, missionIdOf } from './event-id.ts';

describe('the id of an event', () => {
  it('is the same for the same cause, stream and place, on every machine and for ever', () => {
    // By another implementation of RFC 9562.
    expect(eventId('cause', 'plan-1', 0)).toBe('65928459-6374-5d8a-bacc-ac5cb5ee6903');
    expect(missionIdOf('k-1')).toBe('c9a058d7-1a81-533f-b016-823377a11735');
  });

  it('is another for another cause, stream or place', () => {
    const ids = [
      eventId('cause', 'plan-1', 0),
      eventId('other', 'plan-1', 0),
      eventId('cause', 'plan-2', 0),
      eventId('cause', 'plan-1', 1),
    ];
    expect(new Set(ids).size).toBe(ids.length);
  });
});
