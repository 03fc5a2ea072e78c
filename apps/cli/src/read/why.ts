/** Why a mission is where it is: what it waits for, who has to act, until when, and what happens if nobody does. */
import type { EventRecord } from '@baton/contracts';
import type { Waiting } from '@baton/domain';
import type { MissionDeadline } from '@baton/event-store';
import type { KeptDeadLetter } from '@baton/ports';
import { colour, duration, oneLine, shortId, table } from '../format.ts';
import { foldStreams, missionStatus, titleOf, type FoldedStream } from './missions.ts';

export interface Wait {
  readonly stream: string;
  readonly on: Waiting['on'] | 'dead-letter';
  readonly owner: string;
  readonly reason: string;
  /** By the clock of Postgres; null where the deadline is about to be written or was just taken over. */
  readonly deadline: string | null;
  readonly due_in_ms: number | null;
  /** The process that works on it now. */
  readonly holder: string | null;
  /** What happens by itself when the deadline passes. */
  readonly next: string;
  /** What a person can do. */
  readonly action: string;
}

export interface Why {
  readonly mission_id: string;
  readonly title: string;
  readonly status: string;
  readonly ended: boolean;
  /** How and why it ended; empty while it goes on. */
  readonly outcome: string;
  /** What is really waited for first; waits of one stream for another behind them. */
  readonly waits: readonly Wait[];
}

// A wait for another service is explained by what that one waits for: leaves first.
const ORDER: Readonly<Record<Wait['on'], number>> = { 'dead-letter': 0, person: 1, work: 2, time: 3, service: 4 };

export function explain(
  mission_id: string,
  events: readonly EventRecord[],
  deadlines: readonly MissionDeadline[],
  parked: readonly KeptDeadLetter[],
): Why {
  const { status, ended } = missionStatus(events);
  const streams = foldStreams(events);
  const waits = ended
    ? []
    : [...streams.flatMap((stream) => waitOf(mission_id, stream, deadlines)), ...parkedWaits(mission_id, streams, parked)];
  return {
    mission_id,
    title: titleOf(events),
    status,
    ended,
    outcome: ended ? outcomeOf(events) : '',
    waits: waits.toSorted((a, b) => ORDER[a.on] - ORDER[b.on]),
  };
}

function waitOf(mission_id: string, { stream, waiting }: FoldedStream, deadlines: readonly MissionDeadline[]): readonly Wait[] {
  if (waiting === null) return [];
  const deadline = deadlines.find((row) => row.stream === stream && row.key === waiting.key);
  const { on, owner, reason, next } = waiting;
  return [
    {
      stream,
      on,
      owner,
      reason,
      deadline: deadline?.due_at ?? null,
      due_in_ms: deadline?.due_in_ms ?? null,
      holder: deadline?.holder ?? null,
      next,
      action: actionOf(mission_id, stream, on, owner),
    },
  ];
}

function actionOf(mission_id: string, stream: string, on: Waiting['on'], owner: string): string {
  const id = shortId(mission_id);
  if (on === 'person') {
    const card = `${id}.${stream.slice(stream.lastIndexOf('.') + 1)}`;
    return `baton diff ${card}, then baton approve ${card}, or baton deny ${card} --reason "…"`;
  }
  if (on === 'work') return `nothing; ${owner} works on it (its log: logs/${owner}.log of the home directory)`;
  return on === 'time' ? 'what the reason asks for, if it asks; the clock brings it on' : 'nothing; see what that one waits for';
}

function parkedWaits(mission_id: string, streams: readonly FoldedStream[], parked: readonly KeptDeadLetter[]): readonly Wait[] {
  // Of a stream that begins with what cannot be read nothing is folded.
  const ours = new Set([`mission-${mission_id}`, ...streams.map(({ stream }) => stream)]);
  return parked
    .filter((letter) => letter.status === 'parked' && ours.has(streamOf(letter)))
    .map((letter): Wait => ({
      stream: streamOf(letter),
      on: 'dead-letter',
      owner: 'an operator',
      reason: `${letter.consumer} could not handle ${letter.subject} (${letter.reason}): ${oneLine(letter.cause, 160)}`,
      deadline: null,
      due_in_ms: null,
      holder: null,
      next: letter.stream === null ? 'it is tried alone once more' : 'nothing moves on this stream until it is settled',
      action: `baton deadletters show ${shortId(letter.id)}, then replay or discard it`,
    }));
}

/** What is tried alone parks no stream as yet, and is of one all the same. */
const streamOf = ({ stream, reason, headers }: KeptDeadLetter): string =>
  stream ?? (reason === 'handler-crashed' ? (headers['ce-subject'] ?? '') : '');

/** Reasons have at most 4,000, and every fault of a plan is in one. */
export const OUTCOME_CHARS_MAX = 4_200;

/** The last word on a mission that ended, with the finding or failure behind it. */
export function outcomeOf(events: readonly EventRecord[]): string {
  for (const event of events.toReversed()) {
    switch (event.type) {
      case 'MissionCompleted':
        return `landed as commit ${event.data.commit}, tree ${event.data.tree}`;
      case 'MissionFailed':
        return `failed in ${event.data.stage} (${event.data.failure_class}): ${event.data.reason}`;
      case 'MissionCancelled':
        return `cancelled: ${event.data.reason}${event.data.confirmed ? '' : ' (not every part confirmed in time)'}`;
      case 'MissionRejected':
        return `rejected: ${event.data.faults.map((fault) => `${fault.field} ${fault.problem}`).join('; ')}`;
      default:
    }
  }
  return 'it has not ended';
}

export function printWhy(why: Why): string {
  const head = `${colour.bold(shortId(why.mission_id))}  ${oneLine(why.title)}`;
  if (why.ended)
    return `${head}\n${why.status === 'completed' ? colour.green(why.status) : colour.red(why.status)}: ${oneLine(why.outcome, OUTCOME_CHARS_MAX)}`;
  const [first, ...rest] = why.waits;
  if (first === undefined) return `${head}\n${why.status}: an event is on its way between two services; look again in a moment`;
  const lines = [
    head,
    `${colour.dim('status')}       ${why.status}`,
    `${colour.dim('owner')}        ${first.owner}${first.holder === null ? '' : ` (${first.holder})`}`,
    `${colour.dim('reason')}       ${oneLine(first.reason, 400)}`,
    `${colour.dim('deadline')}     ${deadlineText(first)}`,
    `${colour.dim('then')}         ${first.next}`,
    `${colour.dim('you can')}      ${first.action}`,
  ];
  if (rest.length > 0) {
    const rows = rest.map((wait) => [
      wait.stream.replace(why.mission_id, shortId(why.mission_id)),
      wait.on,
      wait.owner,
      wait.due_in_ms === null ? '' : duration(wait.due_in_ms),
      oneLine(wait.reason, 100),
    ]);
    lines.push('', table(['also waiting', 'on', 'owner', 'due in', 'reason'], rows));
  }
  return lines.join('\n');
}

const deadlineText = (wait: Wait): string => {
  if (wait.deadline === null || wait.due_in_ms === null) return 'being set';
  return wait.due_in_ms < 0
    ? `${wait.deadline} (overdue by ${duration(-wait.due_in_ms)})`
    : `${wait.deadline} (in ${duration(wait.due_in_ms)}${wait.on === 'work' ? ', pushed back while the work goes on' : ''})`;
};
