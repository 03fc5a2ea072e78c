/** I8: what was done outside was done once, and what the record says was done outside is there. */
import type { EventRecord } from '@baton/contracts';
import { countedAs, type Landed } from './kinds.ts';

export interface Outside {
  /** `<key> <attempt>`, one for each time that an agent began. */
  readonly effects: readonly string[];
  readonly counter: string;
  /** Every commit that is on main. */
  readonly landed: readonly Landed[];
  /** Missions that an older log knows nothing of any more. */
  readonly forgotten: ReadonlySet<string>;
}

/** Facts of which a mission with one task that goes well has exactly one. */
const ONCE: ReadonlySet<string> = new Set([
  'MissionAccepted',
  'PlanProposed',
  'TaskAccepted',
  'PlanCompleted',
  'GateOpened',
  'ApprovalGranted',
  'GatePassed',
  'ReleaseLanded',
  'MissionCompleted',
]);

function counted(all: Iterable<string>): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const one of all) counts.set(one, (counts.get(one) ?? 0) + 1);
  return counts;
}

/** Facts that are recorded more than once. */
export function recordedTwice(events: readonly EventRecord[]): readonly string[] {
  const facts = events.flatMap((event) => {
    if (ONCE.has(event.type)) return [`${event.type} of ${event.data.mission_id}`];
    if (/^Attempt(Started|Succeeded|Failed|Lost)$/.test(event.type))
      return [`${event.type} ${String(event.data['attempt' as never])} of ${event.stream}`];
    return [];
  });
  return [...counted(facts)].filter(([, times]) => times > 1).map(([fact, times]) => `${fact} ${times} times`);
}

export interface Attempts {
  readonly started: ReadonlySet<string>;
  readonly succeeded: ReadonlySet<string>;
}

/** `<key> <attempt>` of those whose agents count themselves. */
export function recordedAttempts(events: readonly EventRecord[], counter: string): Attempts {
  const key_of = new Map<string, string>();
  const started = new Set<string>();
  const succeeded = new Set<string>();
  for (const { type, data } of events) {
    if (type === 'MissionAccepted') {
      const key = countedAs(data.contract, counter);
      if (key !== null) key_of.set(data.mission_id, key);
    }
    const key = key_of.get(data.mission_id);
    if (key === undefined) continue;
    if (type === 'AttemptStarted') started.add(`${key} ${data.attempt}`);
    if (type === 'AttemptSucceeded') succeeded.add(`${key} ${data.attempt}`);
  }
  return { started, succeeded };
}

/** An agent begins once for each attempt that is recorded, and never for another; a success is the work of one that began. */
export function attemptsOutside(events: readonly EventRecord[], { effects, counter }: Outside): readonly string[] {
  const { started, succeeded } = recordedAttempts(events, counter);
  const begun = counted(effects);
  return [
    ...[...begun].filter(([, times]) => times > 1).map(([run, times]) => `the agent of attempt ${run} began ${times} times`),
    ...[...begun.keys()].filter((run) => !started.has(run)).map((run) => `an agent began for ${run}, which is not recorded`),
    ...[...succeeded].filter((run) => !begun.has(run)).map((run) => `attempt ${run} is recorded as succeeded and no agent began`),
  ];
}

/** The commits of main are those of the completed missions that change it, each once and by the name that is recorded. */
export function landings(events: readonly EventRecord[], { landed, forgotten }: Outside): readonly string[] {
  const changing = new Set<string>();
  const recorded = new Map<string, string>();
  for (const { type, data } of events) {
    if (type === 'MissionAccepted' && data.contract.repository) changing.add(data.mission_id);
    if (type === 'MissionCompleted' && changing.has(data.mission_id)) recorded.set(data.mission_id, data.commit);
  }
  const commits = Map.groupBy(landed, ({ mission_id }) => mission_id);
  return [
    ...[...commits].filter(([, of]) => of.length > 1).map(([id, of]) => `mission ${id} is ${of.length} times on main`),
    ...landed
      .filter(({ mission_id }) => !recorded.has(mission_id) && !forgotten.has(mission_id))
      .map(({ commit, mission_id }) => `commit ${commit} is on main for "${mission_id}", which no mission is completed with`),
    ...[...recorded]
      .filter(([id, commit]) => commits.get(id)?.some((one) => one.commit === commit) !== true)
      .map(([id, commit]) => `mission ${id} is completed with ${commit}, which is not on main`),
  ];
}
