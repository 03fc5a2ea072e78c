/** Where the time of a mission went that took long to recover: between which of its events nothing was recorded. */
import type { EventRecord } from '@baton/contracts';

interface Wait {
  readonly waited_ms: number;
  readonly after: EventRecord;
  readonly before: EventRecord;
}

/** Longest first; of one mission, over all of its streams. */
function waitsOf(events: readonly EventRecord[], mission_id: string): readonly Wait[] {
  const own = events.filter(({ data }) => data.mission_id === mission_id);
  return own
    .slice(1)
    .map((before, index) => {
      const after = own[index]!;
      return { after, before, waited_ms: Date.parse(before.recorded_at) - Date.parse(after.recorded_at) };
    })
    .toSorted((a, b) => b.waited_ms - a.waited_ms);
}

/** Of the mission that ended last, e.g. `mission 0b3a…: 3668 ms from ReleaseQueued (4338) to TargetMoved (4410) of release-0b3a…`. */
export function tellWaits(events: readonly EventRecord[], at_least_ms: number): string {
  const last = events.findLast(({ type }) => type === 'MissionCompleted' || type === 'MissionFailed');
  if (last === undefined) return 'no mission has ended';
  const waits = waitsOf(events, last.data.mission_id)
    .filter(({ waited_ms }) => waited_ms >= at_least_ms)
    .map(
      ({ after, before, waited_ms }) =>
        `${waited_ms} ms from ${after.type} (${after.position}) to ${before.type} (${before.position}) of ${before.stream}`,
    );
  return `mission ${last.data.mission_id}: ${waits.join(', ') || 'no long wait'}`;
}
