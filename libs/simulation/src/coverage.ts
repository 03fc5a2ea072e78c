/** What a run went through, by name: a simulation that never meets something proves nothing about it. */
import { EVENT_TYPES } from '@baton/contracts';
import { STREAM_OF } from '@baton/domain';
import { FAULT_KINDS } from './faults.ts';
import { CANCELS, PEOPLE } from './script.ts';
import type { World } from './world.ts';

/** Way back → what it is. Each has to occur among the seeds that are run before a merge. */
export const WAYS_BACK = {
  'changes-requested': 'a review sends work back with findings',
  escalated: 'a review comes to no end',
  retry: 'a failed attempt is made again',
  'lost-attempt': 'an attempt is lost with its executor, and made again',
  blocked: 'a task cannot be done',
  'plan-failed': 'the plan fails with its task',
  'unknown-template': 'nothing can be planned',
  'integration-fails': 'the integrated tree does not hold',
  'integration-conflicts': 'the accepted changes do not merge',
  'main-moved': 'the target moves between test and landing',
  'asked-again': 'the content is another after the target moved: people look again',
  'not-asked-again': 'the content is the same after the target moved: nobody looks again',
  denied: 'a person says no',
  expired: 'nobody answers',
  superseded: 'the release ends while its gate is open',
  'mended-and-accepted': 'a refused request is sent again, mended',
  'time-over': 'the mission runs out of time',
  'cancelled-unconfirmed': 'a part of a cancelled mission does not answer in time',
  'landed-although-cancelled': 'a landing wins against a cancellation',
  'outage-before-agent': 'the host of a repository is away: the attempt waits, and does not count',
  delayed: 'the host of a repository is away: the release waits and tries again',
  'found-landed': 'a push that nobody was told of is found when its host is back',
  'cancelled-while-away': 'a release is cancelled while its host is away',
  'cancelled-while-landing': 'a target that moved ends a cancelled release',
} as const;
/** Said no to, each for its reason. */
const REFUSALS = [
  'stale-attempt',
  'different-content',
  'self-approval',
  'already-decided',
  'expired',
  'superseded',
  'already-ended',
  'unknown-mission',
];
const LETTERS = ['invalid', 'handler-crashed', 'handler-failed', 'parked-behind'];
const AGENTS = [
  'succeeds',
  'transient',
  'semantic',
  'policy',
  'overruns',
  'stuck',
  'throws',
  'lies-no-change',
  'lies-other-tree',
  'lies-other-attempt',
];

/** Every name that the seeds of a merge have to have met. */
export const EXPECTED: readonly string[] = [
  ...EVENT_TYPES.map((type) => `event:${type}`),
  ...FAULT_KINDS.map((kind) => `fault:${kind}`),
  ...Object.keys(WAYS_BACK).map((way) => `way:${way}`),
  ...CANCELS.map((type) => `cancel-after:${type}`),
  ...PEOPLE.map((person) => `person:${person}`),
  ...AGENTS.map((does) => `agent:${does}`),
  ...REFUSALS.map((reason) => `refused:${reason}`),
  ...LETTERS.map((reason) => `letter:${reason}`),
  ...['completed', 'failed', 'cancelled'].map((end) => `end:${end}`),
  'relay:wrong-sequence',
];

export function coverageOf(world: World, missions: ReadonlyMap<string, string>): ReadonlyMap<string, number> {
  const { watch, scripts } = world;
  const counts = new Map(world.counts);
  const add = (key: string, by = 1): void => void counts.set(key, (counts.get(key) ?? 0) + by);
  for (const [type, times] of watch.histogram) add(`event:${type}`, times);
  for (const end of missions.values()) add(`end:${end}`);
  for (const script of scripts) {
    const types = new Set<string>();
    for (const event of watch.records) if (event.data.mission_id === script.id) types.add(event.type);
    if (types.has('GateOpened')) add(`person:${script.person}`);
    if (script.cancel && types.has(script.cancel.on)) add(`cancel-after:${script.cancel.on}`);
    if (types.has('MissionRejected') && types.has('MissionAccepted')) add('way:mended-and-accepted');
  }
  const gates = new Map<string, string>();
  for (const event of watch.records) {
    for (const way of waysOf(event, watch.records)) add(`way:${way}`);
    if (event.type === 'AttemptStarted') {
      const { mission_id, task_id, attempt } = event.data;
      const script = scripts.find(({ id }) => id === mission_id)!;
      add(`agent:${script.agent(task_id, attempt).does}`);
    }
    if (event.type === 'ReleaseQueued' && event.data.revision > 1) {
      const gate = `${event.data.mission_id} ${event.data.revision}`;
      add(gates.has(gate) ? 'way:asked-again' : 'way:not-asked-again');
    }
    if (event.type === 'ReleaseLanded' && world.targets.landedFor(event.data.mission_id).some(({ answered }) => !answered))
      add('way:found-landed');
    if (event.type === 'ReleaseProposed')
      gates.set(`${event.data.mission_id} ${event.data.revision}`, STREAM_OF.gate(event.data.mission_id, event.data.revision));
  }
  return counts;
}

function waysOf(
  event: World['watch']['records'][number],
  records: World['watch']['records'],
): readonly (keyof typeof WAYS_BACK)[] {
  switch (event.type) {
    case 'ChangesRequested':
      return ['changes-requested'];
    case 'ReviewConcluded':
      return event.data.outcome === 'escalated' ? ['escalated'] : [];
    case 'RetryScheduled':
      return ['retry'];
    case 'AttemptFailed':
      return event.data.began === false ? ['outage-before-agent'] : [];
    case 'AttemptLost':
      return ['lost-attempt'];
    case 'TaskBlocked':
      return ['blocked'];
    case 'PlanFailed':
      return [event.data.reason.includes('is not known') ? 'unknown-template' : 'plan-failed'];
    case 'TargetMoved':
      return ['main-moved'];
    case 'ReleaseDelayed':
      return ['delayed'];
    case 'ApprovalDenied':
      return ['denied'];
    case 'GateExpired':
      return ['expired'];
    case 'GateSuperseded':
      return ['superseded'];
    case 'MissionCancelRequested':
      return event.data.by === 'baton' ? ['time-over'] : [];
    case 'MissionCancelled':
      return event.data.confirmed ? [] : ['cancelled-unconfirmed'];
    case 'ReleaseFailed':
      if (event.data.reason.includes('does not hold')) return ['integration-fails'];
      return event.data.reason.includes('does not merge') ? ['integration-conflicts'] : [];
    case 'ReleaseLanded':
    case 'ReleaseCancelled': {
      const away = records.some((other) => other.type === 'ReleaseDelayed' && other.stream === event.stream);
      if (event.type === 'ReleaseCancelled' && away) return ['cancelled-while-away'];
      const asked = records.some((other) => other.type === 'ReleaseCancelRequested' && other.stream === event.stream);
      if (!asked) return [];
      return [event.type === 'ReleaseLanded' ? 'landed-although-cancelled' : 'cancelled-while-landing'];
    }
    default:
      return [];
  }
}
