/**
 * One command, one decision, one append: load → decide → append, again from the start when somebody else was first. The
 * deadline of the new state is written in the same transaction as the events that led to it.
 */
import {
  EVENT_DATA_BYTES_MAX,
  describeEvent,
  type Actor,
  type BatonEvent,
  type Category,
  type EventMeta,
  type NewEvent,
} from '@baton/contracts';
import type { AnyDecider, Waiting } from '@baton/domain';
import type { EventLog } from '@baton/ports';
import type { AtOnce, Report } from './at-once.ts';
import type { Decided, Request } from './decided.ts';
import { EventTooLarge } from './defect.ts';
import { eventId } from './event-id.ts';
import type { Instruments } from './instruments.ts';
import type { Known, Streams } from './streams.ts';

/** Work that is done at once may lead to more of it; more than this goes round in a circle. */
const AT_ONCE_MAX = 10;

/** Conflicts mean that another replica works on the same stream; more than this means that something is wrong. */
const APPEND_ATTEMPTS_MAX = 20;

/** An event that came over the bus and is not in the log: whoever published it was not copying the log. Never answered. */
export class ForgedEvent extends Error {
  override readonly name = 'ForgedEvent';
}

/** Too many others were first: handled again later. */
class ContentionFault extends Error {
  override readonly name = 'ContentionFault';
}

export interface Appending {
  readonly log: EventLog;
  readonly streams: Streams;
  readonly instruments: Instruments;
  /** Name of this process in leases. */
  readonly holder: string;
  readonly atOnce: AtOnce;
  /** Who reports what was done at once. */
  readonly self: Actor;
}

export async function decideAndAppend(on: Appending, request: Request): Promise<Decided> {
  const { stream } = request;
  const decider = on.streams.deciderFor(stream);
  for (let attempt = 1; attempt <= APPEND_ATTEMPTS_MAX; attempt++) {
    const known = attempt === 1 ? on.streams.guess(stream) : await on.streams.get(stream);
    const decision = decider.decide(request.command, known.state);
    // An append proves by its version that it was decided on the newest state. Where nothing is appended, nothing proves it:
    // a replica that remembers an older state would drop a command that the newest one answers.
    const nothingToAppend = 'refused' in decision || decision.accepted.length === 0;
    if (nothingToAppend && (await on.streams.refresh(stream)).version !== known.version) continue;
    if ('refused' in decision) {
      on.instruments.refused(stream, (request.command as { type: string }).type, decision.refused);
      return { status: 'refused', reason: decision.refused, state: known.state };
    }
    const events = decision.accepted as readonly BatonEvent[];
    if (events.length === 0) return { status: 'already', state: known.state, waiting: decider.waitingOn(known.state) };
    const decided = await append(on, request, decider, known, events);
    if (decided) return decided;
    on.streams.forget(stream);
  }
  throw new ContentionFault(
    `${stream}: ${APPEND_ATTEMPTS_MAX} appends in a row came second; another process writes to it all the time`,
  );
}

/** What is about to be appended to a stream: the events of one command, and of the reports of the work they led to at once. */
interface Draft {
  readonly events: readonly BatonEvent[];
  readonly newEvents: readonly NewEvent[];
  /** The stream as it will be. */
  readonly known: Known;
  readonly waiting: Waiting | null;
  readonly reports: readonly Report[];
}

function drafted(decider: AnyDecider, before: Draft, request: Request, events: readonly BatonEvent[], report?: Report): Draft {
  const newEvents = events.map((event, ordinal) => newEvent(request, event, ordinal));
  let { state } = before.known;
  for (const event of events) state = decider.evolve(state, event);
  return {
    events: [...before.events, ...events],
    newEvents: [...before.newEvents, ...newEvents],
    known: {
      state,
      version: before.known.version + events.length,
      last_event_id: newEvents.at(-1)!.id,
      correlation_id: request.correlation_id,
      traceparent: request.traceparent,
    },
    waiting: decider.waitingOn(state),
    reports: report ? [...before.reports, report] : before.reports,
  };
}

async function withWorkAtOnce(on: Appending, decider: AnyDecider, stream: string, first: Draft): Promise<Draft> {
  let draft = first;
  for (let done = 0; done < AT_ONCE_MAX && draft.waiting?.work !== undefined; done++) {
    const report = await on.atOnce(stream, draft.known, draft.waiting);
    if (!report) return draft;
    const decision = decider.decide(report.command, draft.known.state);
    if ('refused' in decision || decision.accepted.length === 0) {
      report.settle(null);
      return draft;
    }
    const { command, traceparent } = report;
    const { last_event_id: causation_id, correlation_id } = draft.known;
    const request = { stream, command, causation_id, correlation_id, actor: on.self, traceparent };
    draft = drafted(decider, draft, request, decision.accepted as readonly BatonEvent[], report);
  }
  return draft;
}

async function append(
  on: Appending,
  request: Request,
  decider: AnyDecider,
  known: Known,
  events: readonly BatonEvent[],
): Promise<Decided | null> {
  const { stream } = request;
  const nothing: Draft = { events: [], newEvents: [], known, waiting: null, reports: [] };
  const draft = await withWorkAtOnce(on, decider, stream, drafted(decider, nothing, request, events));
  let decided: Decided | null = null;
  try {
    decided = await appendDraft(on, decider, request, known.version, draft);
    return decided;
  } finally {
    for (const report of draft.reports) report.settle(decided);
  }
}

async function appendDraft(
  on: Appending,
  decider: AnyDecider,
  { stream, answers }: Request,
  expected_version: number,
  { events, newEvents, known, waiting }: Draft,
): Promise<Decided | null> {
  const deadline = waiting && { key: waiting.key, after_ms: waiting.after_ms, holder: waiting.work ? on.holder : null };
  const result = await on.log.append({ stream, expected_version, events: newEvents, deadline, answers });
  if (result.status === 'version-conflict') return null;
  if (result.status === 'forged-cause')
    throw new ForgedEvent(
      `the log does not hold ${answers?.type} ${answers?.id} of ${answers?.stream} at position ${String(answers?.position)}: it was not published by the relay of this log; see deploy/runbooks/forged-event.md`,
    );
  if (result.status === 'duplicate-event') {
    // The same cause was recorded before, by a delivery that we do not remember.
    on.streams.forget(stream);
    const fresh = await on.streams.get(stream);
    return { status: 'already', state: fresh.state, waiting: decider.waitingOn(fresh.state) };
  }
  on.streams.put(stream, known);
  on.instruments.appended(decider.category as Category, events.length);
  return { status: 'appended', events, state: known.state, waiting };
}

function newEvent(request: Request, event: BatonEvent, ordinal: number): NewEvent {
  const { causation_id, correlation_id, actor, traceparent } = request;
  const meta: EventMeta = {
    schema_version: describeEvent(event.type)!.version,
    correlation_id,
    causation_id,
    actor,
    ...(traceparent ? { traceparent } : {}),
  };
  const data = JSON.stringify(event.data);
  const bytes = Buffer.byteLength(data);
  if (bytes > EVENT_DATA_BYTES_MAX)
    throw new EventTooLarge(
      `data of ${event.type} of ${request.stream} has ${bytes} bytes, at most ${EVENT_DATA_BYTES_MAX} can be kept: store it as an artifact and name its digest`,
    );
  return {
    id: eventId(correlation_id, causation_id, request.stream, ordinal),
    type: event.type,
    meta: JSON.stringify(meta),
    data,
  };
}
