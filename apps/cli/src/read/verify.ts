/** The log is whole and still what was signed about it, and the bus carries exactly what the log has under the same numbers: checked event by event. */
import type { BusConnection } from '@baton/bus';
import type { StoredEvent } from '@baton/contracts';
import { verifyLog, watchCheckpoints, type CheckpointsVerified, type ReadCheckpoints, type Verified } from '@baton/event-store';
import type { EventLog } from '@baton/ports';
import { busHead, busMessage, type BusHead } from './bus-copy.ts';

export interface BusVerified {
  readonly head: BusHead | null;
  /** Messages compared with their events. */
  readonly compared: number;
  /** Events of the log that are not on the bus yet. */
  readonly behind: number;
  readonly problem: string | null;
}

export interface LogAndBus {
  readonly log: Verified;
  /** Null where none were looked at. */
  readonly checkpoints: CheckpointsVerified | null;
  /** Null where the bus could not be reached. */
  readonly bus: BusVerified | null;
}

/** Requests to the bus that are under way at once. */
const COMPARE_AT_ONCE = 200;

type Log = Pick<EventLog, 'readAfter' | 'head'>;

/** The checkpoints were read before this is called: the log only grows, so what it lacks of them now it has lost. */
export async function verifyAll(log: Log, bus: BusConnection | null, checkpoints: ReadCheckpoints | null): Promise<LogAndBus> {
  return { ...(await verifyRecord(log, checkpoints)), bus: bus === null ? null : await compareBus(log, bus) };
}

export async function verifyRecord(log: Log, checkpoints: ReadCheckpoints | null): Promise<Omit<LogAndBus, 'bus'>> {
  const watch = checkpoints && watchCheckpoints(checkpoints);
  const verified = await verifyLog(log, watch?.seen);
  return {
    log: verified,
    checkpoints: watch?.result({ checked: verified.checked, whole: verified.first_bad === undefined }) ?? null,
  };
}

async function compareBus(log: Log, bus: BusConnection): Promise<BusVerified> {
  const head = await busHead(bus);
  // The log last: it only grows, so a bus that is ahead of it now was ahead all the time.
  const { position } = await log.head();
  if (head === null)
    return {
      head,
      compared: 0,
      behind: position,
      problem: 'the event stream does not exist; the relay makes it again when it runs',
    };
  const behind = position - head.last_sequence;
  if (behind < 0)
    return {
      head,
      compared: 0,
      behind,
      problem: `the bus ends at ${String(head.last_sequence)}, the log at ${String(position)}: the database was restored to an earlier time`,
    };
  let compared = 0;
  for (let after = Math.max(0, head.first_sequence - 1); after < head.last_sequence;) {
    const events = await log.readAfter(after, Math.min(COMPARE_AT_ONCE, head.last_sequence - after));
    const problems = await Promise.all(events.map((event) => differs(bus, event)));
    const problem = problems.find((found) => found !== null);
    if (problem !== undefined) return { head, compared, behind, problem };
    compared += events.length;
    after += events.length;
    if (events.length === 0) return { head, compared, behind, problem: `the log has no event at ${String(after + 1)}` };
  }
  return { head, compared, behind, problem: null };
}

async function differs(bus: BusConnection, event: StoredEvent): Promise<string | null> {
  const message = await busMessage(bus, event.position);
  if (message === null) {
    const head = await busHead(bus);
    // The relay may have trimmed it since.
    return head !== null && head.first_sequence > event.position
      ? null
      : `the bus has no message ${String(event.position)}, though it has later ones`;
  }
  if (message.id !== event.id)
    return `message ${String(event.position)} is event ${message.id}, position ${String(event.position)} of the log is event ${event.id}`;
  return message.body === event.data ? null : `message ${String(event.position)} has another body than event ${event.id}`;
}
