/**
 * What the log says about delivery, folded event by event: the same log gives the same numbers, however often it is read.
 * Times are between events' `recorded_at` (the clock of Postgres), never of this process.
 */
import type { BatonEvent, EventRecord, EventType } from '@baton/contracts';
import { emptyHistogram, observe, type FoldedHistogram, type FoldedSeries, type Series } from '@baton/telemetry';

type HistogramKey = 'mission_lead_time_seconds' | 'step_seconds' | 'review_rounds' | 'mission_recovery_seconds';
type CounterKey = 'missions_ended' | 'attempts' | 'gates';
type Labels = Readonly<Record<string, string>>;

/** When something that is still under way began, by what it belongs to; removed when it ends. */
interface Open {
  readonly since: Map<string, number>;
  readonly rounds: Map<string, number>;
  readonly status: Map<string, string>;
  /** The step that waits for what is out of reach. */
  readonly delayed: Map<string, DelayedStep>;
  /** When each gate was opened that waits for a person, by mission and revision. */
  readonly gates: Map<string, number>;
}

const DELAYED_STEPS = ['attempt', 'integrate', 'land'] as const;
type DelayedStep = (typeof DELAYED_STEPS)[number];

/** The events that change a number; the others need not even be parsed. */
export const FOLDED: ReadonlySet<EventType> = new Set<EventType>([
  'MissionAccepted',
  'MissionCancelRequested',
  'MissionCompleted',
  'MissionFailed',
  'MissionCancelled',
  'PlanProposed',
  'AttemptStarted',
  'AttemptSucceeded',
  'AttemptFailed',
  'AttemptLost',
  'TaskBlocked',
  'TaskCancelled',
  'ReviewStarted',
  'ReviewConcluded',
  'IntegrationStarted',
  'IntegrationTested',
  'GateOpened',
  'GatePassed',
  'ApprovalDenied',
  'GateExpired',
  'GateSuperseded',
  'ReleaseQueued',
  'ReleaseDelayed',
  'ReleaseResumed',
  'ReleaseLanded',
  'ReleaseFailed',
  'ReleaseCancelled',
]);

/** What alerts count is there as 0 before it happens for the first time: a counter that begins at 1 has not increased. */
const FROM_THE_START: readonly (readonly [key: CounterKey, labels: Labels])[] = [
  ['attempts', { outcome: 'lost', failure_class: 'transient' }],
  ['missions_ended', { outcome: 'completed', failure_class: 'none' }],
  ...['transient', 'semantic', 'policy'].map(
    (failure_class) => ['missions_ended', { outcome: 'failed', failure_class }] as const,
  ),
];

export interface Fold {
  apply(event: EventRecord): void;
  series(): FoldedSeries;
}

const seconds = (recorded_at: string): number => Date.parse(recorded_at) / 1_000;

export function deliveryFold(): Fold {
  const counters = new Map<CounterKey, Map<string, { labels: Labels; value: number }>>();
  const histograms = new Map<HistogramKey, Map<string, { labels: Labels; value: FoldedHistogram }>>();
  const statuses = new Map<string, number>();
  const open: Open = { since: new Map(), rounds: new Map(), status: new Map(), delayed: new Map(), gates: new Map() };

  const count = (key: CounterKey, labels: Labels, by = 1): void => {
    const series = counters.get(key) ?? new Map<string, { labels: Labels; value: number }>();
    counters.set(key, series);
    const id = JSON.stringify(labels);
    const one = series.get(id) ?? { labels, value: 0 };
    one.value += by;
    series.set(id, one);
  };
  for (const [key, labels] of FROM_THE_START) count(key, labels, 0);
  const measure = (key: HistogramKey, value: number, labels: Labels = {}): void => {
    const series = histograms.get(key) ?? new Map<string, { labels: Labels; value: FoldedHistogram }>();
    histograms.set(key, series);
    const id = JSON.stringify(labels);
    const one = series.get(id) ?? { labels, value: emptyHistogram(key) };
    observe(key, one.value, value);
    series.set(id, one);
  };
  const begin = (what: string, at: number): void => void (open.since.has(what) || open.since.set(what, at));
  const end = (what: string, at: number, then: (took: number) => void): void => {
    const since = open.since.get(what);
    if (since === undefined) return;
    open.since.delete(what);
    then(Math.max(0, at - since));
  };
  const step = (name: string) => (took: number) => measure('step_seconds', took, { step: name });
  const move = (mission_id: string, to: string, ended: boolean): void => {
    const from = open.status.get(mission_id);
    if (from !== undefined) statuses.set(from, (statuses.get(from) ?? 0) - 1);
    statuses.set(to, (statuses.get(to) ?? 0) + 1);
    // An ended mission never moves again: only those under way are remembered.
    if (ended) open.status.delete(mission_id);
    else open.status.set(mission_id, to);
  };
  const endMission = (mission_id: string, outcome: string, failure_class: string): void => {
    move(mission_id, outcome, true);
    count('missions_ended', { outcome, failure_class });
    for (const what of ['mission', 'planning', 'integration', 'approval', 'landing']) open.since.delete(`${what} ${mission_id}`);
  };
  const endAttempt = (key: string, at: number, outcome: string, failure_class: string): void => {
    count('attempts', { outcome, failure_class });
    end(`execution ${key}`, at, step('execution'));
    if (outcome === 'succeeded') end(`trouble ${key}`, at, (took) => measure('mission_recovery_seconds', took));
    else begin(`trouble ${key}`, at);
  };

  const apply = (event: EventRecord): void => {
    const at = seconds(event.recorded_at);
    const { mission_id } = event.data;
    const task = 'task_id' in event.data ? `${mission_id} ${event.data.task_id}` : mission_id;
    applyMission(event, at, mission_id);
    applyTask(event, at, task);
    applyRelease(event, at, mission_id);
  };

  const applyMission = (event: BatonEvent, at: number, mission_id: string): void => {
    switch (event.type) {
      case 'MissionAccepted':
        move(mission_id, 'active', false);
        begin(`mission ${mission_id}`, at);
        return begin(`planning ${mission_id}`, at);
      case 'MissionCancelRequested':
        return move(mission_id, 'cancelling', false);
      case 'MissionCompleted':
        end(`mission ${mission_id}`, at, (took) => measure('mission_lead_time_seconds', took));
        return endMission(mission_id, 'completed', 'none');
      case 'MissionFailed':
        return endMission(mission_id, 'failed', event.data.failure_class);
      case 'MissionCancelled':
        return endMission(mission_id, 'cancelled', 'none');
      case 'PlanProposed':
        return end(`planning ${mission_id}`, at, step('planning'));
      default:
        return;
    }
  };

  const applyTask = (event: BatonEvent, at: number, key: string): void => {
    switch (event.type) {
      case 'AttemptStarted':
        // Whether it comes within reach this time is known when it fails again: at once, mostly.
        open.delayed.delete(`task ${key}`);
        return begin(`execution ${key}`, at);
      case 'AttemptSucceeded':
        return endAttempt(key, at, 'succeeded', 'none');
      case 'AttemptFailed':
        if (event.data.began === false) open.delayed.set(`task ${key}`, 'attempt');
        return endAttempt(key, at, 'failed', event.data.failure_class);
      case 'AttemptLost':
        return endAttempt(key, at, 'lost', 'transient');
      case 'TaskBlocked':
      case 'TaskCancelled':
        for (const what of ['execution', 'trouble', 'review']) open.since.delete(`${what} ${key}`);
        open.delayed.delete(`task ${key}`);
        return void open.rounds.delete(key);
      case 'ReviewStarted':
        open.rounds.set(key, (open.rounds.get(key) ?? 0) + 1);
        return begin(`review ${key}`, at);
      case 'ReviewConcluded':
        end(`review ${key}`, at, step('review'));
        if (event.data.outcome === 'changes-requested') return;
        measure('review_rounds', open.rounds.get(key) ?? 1);
        return void open.rounds.delete(key);
      default:
        return;
    }
  };

  const applyRelease = (event: BatonEvent, at: number, mission_id: string): void => {
    switch (event.type) {
      case 'IntegrationStarted':
        open.since.delete(`landing ${mission_id}`);
        return begin(`integration ${mission_id}`, at);
      case 'IntegrationTested':
        return end(`integration ${mission_id}`, at, step('integration'));
      case 'GateOpened':
        open.gates.set(gateOf(event.data), at);
        return begin(`approval ${mission_id}`, at);
      case 'GatePassed':
        open.gates.delete(gateOf(event.data));
        end(`approval ${mission_id}`, at, step('approval'));
        return count('gates', { tier: event.data.tier, outcome: 'passed' });
      case 'ApprovalDenied':
      case 'GateExpired':
      case 'GateSuperseded':
        open.gates.delete(gateOf(event.data));
        end(`approval ${mission_id}`, at, step('approval'));
        return count('gates', {
          tier: 'gate',
          outcome: event.type === 'ApprovalDenied' ? 'denied' : event.type === 'GateExpired' ? 'expired' : 'superseded',
        });
      case 'ReleaseQueued':
        return begin(`landing ${mission_id}`, at);
      case 'ReleaseDelayed':
        return void open.delayed.set(`release ${mission_id}`, event.data.step);
      case 'ReleaseResumed':
      case 'ReleaseFailed':
      case 'ReleaseCancelled':
        return void open.delayed.delete(`release ${mission_id}`);
      case 'ReleaseLanded':
        open.delayed.delete(`release ${mission_id}`);
        return end(`landing ${mission_id}`, at, step('landing'));
      default:
        return;
    }
  };

  const listed = <T>(map: Map<string, { labels: Labels; value: T }> | undefined): { labels: Labels; value: T }[] => [
    ...(map?.values() ?? []),
  ];
  return {
    apply,
    series: () => ({
      missions: [...statuses].map(([status, value]) => ({ labels: { status }, value })) satisfies Series<'missions'>[],
      missions_ended: listed(counters.get('missions_ended')),
      attempts: listed(counters.get('attempts')),
      delayed: delayedSeries(open.delayed),
      gates: listed(counters.get('gates')),
      gates_open: [{ labels: {}, value: open.gates.size }],
      oldest_gate_opened_seconds: oldestOf(open.gates),
      mission_lead_time_seconds: listed(histograms.get('mission_lead_time_seconds')),
      step_seconds: listed(histograms.get('step_seconds')),
      review_rounds: listed(histograms.get('review_rounds')),
      mission_recovery_seconds: listed(histograms.get('mission_recovery_seconds')),
    }),
  };
}

const gateOf = ({ mission_id, revision }: { readonly mission_id: string; readonly revision: number }): string =>
  `${mission_id}.${String(revision)}`;

const oldestOf = (gates: ReadonlyMap<string, number>): Series<'oldest_gate_opened_seconds'>[] =>
  gates.size === 0 ? [] : [{ labels: {}, value: Math.min(...gates.values()) }];

function delayedSeries(delayed: ReadonlyMap<string, DelayedStep>): Series<'delayed'>[] {
  const counted = Map.groupBy(delayed.values(), (step) => step);
  return DELAYED_STEPS.map((step) => ({ labels: { step }, value: counted.get(step)?.length ?? 0 }));
}
