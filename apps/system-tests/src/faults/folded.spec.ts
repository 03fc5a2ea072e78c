import type { EventRecord } from '@baton/contracts';
import { describe, expect, it } from '@jest/globals';
import { differences, foldOf } from './folded.ts';

const event = (type: string, at_s: number): EventRecord =>
  ({
    type,
    stream: 'mission-m1',
    recorded_at: new Date(Date.UTC(2026, 10, 21) + at_s * 1_000).toISOString(),
    data: { mission_id: 'm1' },
  }) as unknown as EventRecord;
const HISTORY = [event('MissionAccepted', 0), event('PlanProposed', 2), event('MissionCompleted', 7)];

describe('what metrics should show', () => {
  it('is gauges, counters with labels and histograms, also of an empty log', async () => {
    const shown = await foldOf(HISTORY);
    for (const sample of [
      'baton_missions{status="completed"} 1',
      'baton_missions_total{outcome="completed",failure_class="none"} 1',
      'baton_mission_lead_time_seconds_bucket{le="15"} 1',
      'baton_mission_lead_time_seconds_sum 7',
    ])
      expect(shown).toContain(sample);
    expect(await foldOf([])).not.toEqual([]);
  });

  it('differs where one line is missing, too many, or has another value', async () => {
    const right = await foldOf(HISTORY);
    expect(differences(right, right)).toEqual([]);
    expect(differences(right.slice(1), right)).toEqual([`the log has ${right[0]}`]);
    expect(differences([...right, 'baton_missions{status="lost"} 1'], right)).toEqual([
      'metrics has baton_missions{status="lost"} 1',
    ]);
    expect(differences(await foldOf(HISTORY.slice(0, 2)), right)).toContain(
      'the log has baton_missions_total{outcome="completed",failure_class="none"} 1',
    );
  });
});
