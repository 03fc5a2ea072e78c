/** Who was told that it holds what, and until when: never two at once, and nobody works who was never told. */
import type { EventLog } from '@baton/ports';
import { promise } from './broken-promise.ts';
import type { MemoryEventLog } from './memory-event-log.ts';

interface Grant {
  readonly key: string;
  readonly holder: string;
  readonly until_ms: number;
}

export interface LeaseWatch {
  /** The log as one process sees it: every lease that it is told of is noted. */
  as(holder: string, log: EventLog): EventLog;
  onWork(holder: string, stream: string, key: string): void;
}

export function watchLeases(truth: MemoryEventLog, now_ms: () => number, looking: (look: () => void) => void): LeaseWatch {
  const grants = new Map<string, Grant>();
  const told = new Set<string>();
  /** `at_ms`: when the log gave it, not when the answer came. */
  function grant(stream: string, { key, holder, until_ms }: Grant, at_ms: number): void {
    const before = grants.get(stream);
    promise(
      before === undefined || before.key !== key || before.holder === holder || before.until_ms <= at_ms,
      () => `G5: ${key} of ${stream} is given to ${holder} while ${before?.holder} holds it (double dispatch)`,
    );
    grants.set(stream, { key, holder, until_ms });
    told.add(`${holder} ${stream} ${key}`);
  }
  return {
    as: (holder, log) => ({
      ...log,
      async append(append) {
        const at_ms = now_ms();
        const result = await log.append(append);
        if (result.status === 'appended' && append.deadline?.holder) {
          const { key, after_ms } = append.deadline;
          const until_ms = at_ms + after_ms;
          grants.delete(append.stream);
          looking(() => grant(append.stream, { key, holder, until_ms }, at_ms));
        }
        return result;
      },
      async claimDue(claim) {
        const at_ms = now_ms();
        const due = await log.claimDue(claim);
        const until_ms = at_ms + claim.hold_ms;
        for (const { stream, key } of due) looking(() => grant(stream, { key, holder, until_ms }, at_ms));
        return due;
      },
      async extend(lease) {
        const { stream, key, after_ms } = lease;
        const at_ms = now_ms();
        const answer = log.extend(lease);
        // Seen right away: until the answer is here the state may be another one.
        const row = truth.deadlines.get(stream);
        const kept = await answer;
        if (!kept) return false;
        looking(() => {
          promise(
            row?.key === key && row.holder === holder,
            () =>
              `G5: ${holder} is told that it holds ${key} of ${stream}; ${row?.holder ?? 'nobody'} holds ${row?.key} (stale lease)`,
          );
          grant(stream, { key, holder, until_ms: at_ms + after_ms }, at_ms);
        });
        return kept;
      },
    }),
    onWork: (holder, stream, key) =>
      looking(() =>
        promise(told.has(`${holder} ${stream} ${key}`), () => `G5: ${holder} works on ${key} of ${stream}, which nobody gave it`),
      ),
  };
}
