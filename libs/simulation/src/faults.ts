/** What goes wrong, as data: drawn from a seed, written down with a failure, and taken away piece by piece to shrink it. */
import { random, seedOf } from './random.ts';

export const FAULTS = {
  'crash-before': 'a process dies; what it was about to ask never arrives',
  'crash-after': 'a process dies after what it asked was done and before it hears so',
  'crash-idle': 'a process dies wherever it is',
  'stopped-gracefully': 'a process is told to stop; another one takes its place meanwhile',
  'never-asked': 'one question is lost on its way',
  'answer-lost': 'one question is answered, and the answer is lost',
  pause: 'a process stops, for longer than its lease lasts, and goes on',
  'cut-off': 'a process reaches nothing for a while; its work goes on',
  'store-away': 'Postgres is out of reach for everybody',
  duplicate: 'a message that was settled comes again',
  'delivery-lost': 'a message is given out and never arrives; it comes again after the ack wait',
  'settlement-lost': 'an acknowledgement is lost; the message comes again after the ack wait',
  'late-settlement': 'a message comes again, to anybody, while it is being handled',
  'bus-wiped': 'JetStream loses all it has',
  'relay-crash': 'the relay that leads dies',
  'relay-pause': 'the relay that leads stops, another one leads, the first goes on',
  'clock-jump': 'the clock of Postgres jumps, forward or back',
  'relay-lags': 'nothing is relayed for minutes',
  leap: 'time passes although there is work',
  'target-moved': 'somebody else pushes to a branch',
  'host-away': 'the host of a repository answers nobody, for longer than anybody tries; it may have taken a push right before',
  'killer-message': 'a message has killed every process that took it, or was only held by them',
  garbage: 'somebody sends what is no request',
} as const;
export type FaultKind = keyof typeof FAULTS;
export const FAULT_KINDS = Object.keys(FAULTS) as readonly FaultKind[];

/** `at` = the step from which on it happens, as soon as it can; `n` chooses whom it meets and for how long. */
export interface Fault {
  readonly at: number;
  readonly kind: FaultKind;
  readonly n: number;
}

/** What one run is made of: the same plan is the same history, hash for hash. */
export interface Plan {
  readonly seed: number;
  /** Which of the seed's missions take part. */
  readonly missions: readonly number[];
  /** How often the next thing to happen is drawn instead of being the first in line: 0 = never, 1 = always. */
  readonly disorder: number;
  readonly faults: readonly Fault[];
}

/** Steps in which faults happen: then the world heals, and everything must finish. */
const FAULTY_STEPS = 600;
const FAULTS_MAX = 24;
/** Of a kind that meets everybody one is plenty. */
const RARE: readonly FaultKind[] = ['bus-wiped', 'store-away', 'clock-jump', 'relay-lags', 'killer-message', 'garbage'];

export function planOf(seed: number, missions: number): Plan {
  const draw = random(seedOf(seed, 2));
  // Each seed knows a few kinds only: what one kind alone leads to is not hidden by the others.
  const kinds = FAULT_KINDS.filter(() => draw.chance(0.4));
  const count = kinds.length === 0 ? 0 : draw.int(FAULTS_MAX);
  const drawn = Array.from({ length: count }, () => ({
    at: draw.int(FAULTY_STEPS),
    kind: draw.pick(kinds),
    n: draw.int(2 ** 16),
  })).toSorted((one, other) => one.at - other.at);
  const faults = drawn.filter(
    ({ kind }, index) => !RARE.includes(kind) || drawn.findIndex((earlier) => earlier.kind === kind) === index,
  );
  return {
    seed,
    missions: Array.from({ length: missions }, (_, index) => index),
    disorder: draw.pick([0, 0.3, 0.7, 1]),
    faults,
  };
}
