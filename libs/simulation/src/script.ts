/** What happens to each mission of a simulation, drawn from its seed: who asks, how agents, reviews, targets and people behave. */
import { missionContractSchema, type EventType, type MissionContract, type Tier } from '@baton/contracts';
import { uuidOf } from '@baton/handling';
import { random, seedOf } from './random.ts';

export type AgentBehaviour =
  | 'succeeds'
  | 'transient'
  | 'semantic'
  | 'policy'
  | 'overruns'
  | 'stuck'
  | 'throws'
  /** Says done and changed nothing. */
  | 'lies-no-change'
  /** Brings the receipts of another tree. */
  | 'lies-other-tree'
  /** Reports for an attempt that is not its own. */
  | 'lies-other-attempt';
export const PEOPLE = [
  'approves',
  'denies',
  'never',
  'late',
  'twice',
  'contradicts-oneself',
  'asks-oneself-first',
  'saw-other-content',
] as const;
export type PersonBehaviour = (typeof PEOPLE)[number];

export interface MissionScript {
  readonly id: string;
  readonly key: string;
  readonly requested_by: string;
  readonly contract: MissionContract;
  /** Sent first, under the same key, before the mended one. */
  readonly faulty: unknown;
  readonly submissions: number;
  /** An agent may never come back: only the mission's own time ends it. */
  readonly stuck: boolean;
  /** Ids of its tasks, each with those it depends on; null = its template is not known. */
  readonly tasks: Readonly<Record<string, readonly string[]>> | null;
  readonly agent: (task_id: string, attempt: number) => { readonly does: AgentBehaviour; readonly work_ms: number };
  readonly review: (task_id: string, attempt: number) => 'holds' | 'changes' | 'throws';
  readonly integration: 'holds' | 'fails' | 'conflicts';
  /** Whether the change reads differently on another base: then people have to look again. */
  readonly rebase_changes: boolean;
  readonly land_ms: number;
  readonly tier: Tier;
  readonly person: PersonBehaviour;
  /** Somebody cancels so long after the first event of this type. */
  readonly cancel: { readonly on: EventType; readonly after_ms: number } | null;
  /** Somebody cancels what nobody has asked for yet. */
  readonly cancels_early: boolean;
  /** Somebody else pushes to the target after each of the first so many times that the change was queued. */
  readonly pushes: number;
}

const REPOSITORIES = ['https://example.test/shop.git', 'https://example.test/bank.git'];
const MISSION_MS_MAX = 7 * 24 * 3_600_000;
const STUCK_MISSION_MS_MAX = 90_000;
const SHAPES: readonly NonNullable<MissionScript['tasks']>[] = [
  { a: [] },
  { a: [], b: [] },
  { a: [], b: ['a'] },
  { a: [], b: [], c: ['a', 'b'] },
];
export const CANCELS: readonly EventType[] = [
  'MissionAccepted',
  'TaskReady',
  'AttemptStarted',
  'ReviewStarted',
  'PlanCompleted',
  'ReleaseProposed',
  'GateOpened',
  'ReleaseQueued',
  'ReleaseVerified',
];

export function missionScript(seed: number, index: number): MissionScript {
  const draw = random(seedOf(seed, index));
  const key = `mission-${seed}-${index}`;
  const temper = draw.pick(['good', 'good', 'good', 'moody', 'moody', 'bad', 'liar', 'stuck'] as const);
  const contract = missionContractSchema.parse({
    baton: 'mission/v1',
    title: `Mission ${index}`,
    objective: 'Change something.',
    repository: { url: draw.pick(REPOSITORIES) },
    scope: { include: ['src/**'] },
    non_goals: ['anything else'],
    criteria: [
      { id: 'tests', statement: 'the tests pass', check: { run: ['npm', 'test'] } },
      { id: 'lint', statement: 'the linter is silent', check: { run: ['npm', 'run', 'lint'] } },
    ],
    rollback: 'revert the commit',
    risk: draw.pick(['low', 'medium', 'high']),
    budgets: {
      attempts_max: 2 + draw.int(2),
      run_ms_max: 60_000,
      mission_ms_max: temper === 'stuck' ? STUCK_MISSION_MS_MAX : MISSION_MS_MAX,
    },
    agent: { runtime: 'command', command: ['agent'] },
  });
  return {
    id: uuidOf(`mission\n${key}`),
    key,
    requested_by: 'ada',
    contract,
    faulty: draw.chance(0.15) ? { baton: 'mission/v1', title: key } : null,
    submissions: draw.pick([1, 1, 2, 3]),
    stuck: temper === 'stuck',
    tasks: draw.chance(0.05) ? null : draw.pick(SHAPES),
    agent: (task_id, attempt) => {
      const luck = random(seedOf(seed, index, task_id.charCodeAt(0), attempt));
      const moods: Record<typeof temper, readonly AgentBehaviour[]> = {
        good: ['succeeds'],
        moody: ['succeeds', 'succeeds', 'transient', 'throws', 'overruns'],
        bad: ['succeeds', 'transient', 'transient', 'semantic', 'policy'],
        liar: ['succeeds', 'succeeds', 'lies-no-change', 'lies-other-tree', 'lies-other-attempt'],
        stuck: ['succeeds', 'stuck'],
      };
      return { does: luck.pick(moods[temper]), work_ms: luck.int(30_000) };
    },
    review: (task_id, attempt) =>
      random(seedOf(seed, index, task_id.charCodeAt(0), attempt, 7)).pick([
        'holds',
        'holds',
        'holds',
        'changes',
        temper === 'bad' || temper === 'liar' ? 'throws' : 'holds',
      ]),
    integration: draw.pick(['holds', 'holds', 'holds', 'holds', 'holds', 'holds', 'fails', 'conflicts']),
    rebase_changes: draw.chance(0.5),
    land_ms: draw.int(20_000),
    tier: draw.pick(['autonomous', 'notify', 'gate', 'gate', 'gate']),
    person: draw.pick(['approves', 'approves', ...PEOPLE]),
    cancel: draw.chance(0.3)
      ? { on: draw.pick([...CANCELS, 'GateOpened', 'ReleaseQueued', 'ReleaseQueued']), after_ms: draw.int(15_000) }
      : null,
    cancels_early: draw.chance(0.05),
    pushes: draw.chance(0.4) ? 1 + draw.int(2) : 0,
  };
}
