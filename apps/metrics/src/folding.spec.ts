import type { StoredEvent } from '@baton/contracts';
import { logger, Registry } from '@baton/telemetry';
import { describe, expect, it } from '@jest/globals';
import { foldLog } from './folding.ts';

const PAGE = 1_000;
const ended = (position: number): StoredEvent => ({
  position,
  stream: `mission-${position}`,
  version: 1,
  id: `00000000-0000-5000-8000-${String(position).padStart(12, '0')}`,
  type: 'MissionFailed',
  recorded_at: '2026-11-21T00:00:00.000000Z',
  meta: JSON.stringify({
    schema_version: 1,
    correlation_id: `${position}`,
    causation_id: 'cause',
    actor: { kind: 'service', id: 'intake' },
  }),
  data: JSON.stringify({ mission_id: `${position}`, stage: 'plan', failure_class: 'semantic', reason: 'spec' }),
  hash: '0'.repeat(64),
});

describe('what is folded from the log', () => {
  it('is shown when the whole log is in it, and not while a part of it is', async () => {
    const events = Array.from({ length: PAGE + 1 }, (_, index) => ended(index + 1));
    const half = Promise.withResolvers<void>();
    const rest = Promise.withResolvers<void>();
    const registry = new Registry();
    const log = {
      readAfter: async (after: number, limit: number): Promise<readonly StoredEvent[]> => {
        if (after > 0) {
          half.resolve();
          await rest.promise;
        }
        return events.slice(after, after + limit);
      },
    };
    const whole = foldLog({ log, registry, logger: logger({ service: 'metrics', level: 'silent' }) });
    await half.promise;
    expect(await registry.metrics()).not.toContain('baton_missions_total');
    rest.resolve();
    await whole;
    expect(await registry.metrics()).toContain(
      `baton_missions_total{outcome="failed",failure_class="semantic"} ${String(events.length)}\n`,
    );
  });
});
