import { EVENT_TYPES, type EventRecord, type EventType } from '@baton/contracts';
import { describe, expect, it } from '@jest/globals';
import { foldStreams, missionStatus } from './missions.ts';
import { plainStates, stateHash } from './states.ts';
import { tell } from './tell.ts';
import { timelineEntry } from './timeline.ts';
import { explain, printWhy } from './why.ts';

const ID = '724e9f6e-65b6-58fe-bb32-8878e2be0359';
const DIGEST = `sha256:${'ab'.repeat(32)}`;
const TREE = 'cd'.repeat(20);
const change = { artifact: DIGEST, base_commit: TREE, base_tree: TREE, tree: TREE, files: ['a.md'], insertions: 2, deletions: 1 };
const receipt = {
  criterion_id: 'tests',
  command: ['node', '--test'],
  exit_code: 0,
  output_digest: DIGEST,
  output_tail: 'ok',
  tree: TREE,
  started_at: '2026-11-21T00:00:00Z',
  duration_ms: 420,
};
const finding = { criterion_id: 'tests', severity: 'blocking', statement: 'the tests fail', evidence: 'exit 1' };
const task = {
  id: 'whole',
  title: 'Whole',
  instructions: 'do',
  depends_on: [],
  write_set: ['a.md'],
  write_set_exclude: [],
  acceptance: [{ id: 'tests', statement: 'pass' }],
  agent: { runtime: 'scripted', output: 'x' },
  attempts_max: 3,
  run_ms_max: 1_000,
};
const delivery = {
  title: 'Say hello',
  requested_by: 'ada',
  repository: null,
  criteria: task.acceptance,
  rollback: 'revert',
  risk: 'low',
  contract_digest: DIGEST,
};
const policy = { id: 'default', version: '1', digest: DIGEST, rule: 'r', input_digest: DIGEST };
const card = {
  title: 'Say hello',
  context: 'c',
  options: ['approve', 'deny'],
  recommendation: 'approve',
  risk: 'medium',
  rollback: 'revert',
  files: ['a.md'],
  insertions: 2,
  deletions: 1,
  checks: [],
  diff_artifact: DIGEST,
  by_default: 'deny',
};
const contract = { title: 'Say hello', risk: 'low', criteria: task.acceptance, budgets: { mission_ms_max: 60_000 } };
/** Has every field that any event has, so that one object stands for the data of all of them. */
const anything = {
  mission_id: ID,
  task_id: 'whole',
  attempt: 1,
  revision: 1,
  contract,
  contract_digest: DIGEST,
  requested_by: 'ada',
  source: 'http',
  faults: [{ field: 'title', problem: 'is missing', fix: 'add it' }],
  by: { kind: 'person', id: 'ada' },
  reason: 'because',
  confirmed: true,
  commit: TREE,
  tree: TREE,
  stage: 'plan',
  failure_class: 'semantic',
  template: 'single-task@1',
  template_digest: DIGEST,
  tasks: [task],
  delivery,
  plan_ms_max: 60_000,
  task,
  base: { repository: null, inputs: [] },
  artifact: DIGEST,
  accepted: [{ task_id: 'whole', artifact: DIGEST, tree: TREE }],
  stop: ['whole'],
  findings: [finding],
  summary: 'done',
  change,
  receipts: [receipt],
  cause: 'it broke',
  output_tail: 'line 1\nline 2',
  holder: 'executor-1',
  after_ms: 1_000,
  step: 'land',
  failures: 2,
  waited_ms: 5_000,
  verdicts: [{ criterion_id: 'tests', holds: true, evidence: DIGEST }],
  finding,
  outcome: 'accepted',
  content_digest: DIGEST,
  tier: 'gate',
  policy,
  card,
  self_approval: true,
  expires_after_ms: 86_400_000,
  channel: 'cli',
  target_commit: TREE,
  checks: [],
};

let position = 0;
function event(type: EventType, stream: string, data: object = {}): EventRecord {
  position++;
  return {
    type,
    data: { ...anything, ...data },
    id: `id-${String(position)}`,
    stream,
    version: position,
    position,
    recorded_at: '2026-11-21T00:00:01.500000Z',
    meta: { schema_version: 1, correlation_id: ID, causation_id: 'x', actor: { kind: 'service', id: 'planner' } },
  } as unknown as EventRecord;
}

const accepted = event('MissionAccepted', `mission-${ID}`);
const planned = [event('PlanningStarted', `plan-${ID}`), event('PlanProposed', `plan-${ID}`), event('TaskReady', `plan-${ID}`)];
const running = event('AttemptStarted', `task-${ID}.whole`);
const deadline = {
  stream: `task-${ID}.whole`,
  key: 'attempt-1',
  holder: 'executor-1',
  due_at: '2026-11-21T00:00:10.000000Z',
  due_in_ms: 8_000,
};

describe('a timeline', () => {
  it.each(EVENT_TYPES)('tells %s in words', (type) => {
    // In this one event the person is a name, in all others an actor.
    const { what } = tell(event(type, `x-${ID}`, type === 'MissionCancelRequested' ? { by: 'ada' } : {}));
    expect(what).not.toContain('undefined');
    expect(what).not.toContain('[object');
    expect(what.length).toBeGreaterThan(5);
  });

  it('says when, who, what, and the evidence below', () => {
    const entry = timelineEntry(event('AttemptSucceeded', `task-${ID}.whole`), Date.parse('2026-11-21T00:00:00Z'));
    expect(entry).toMatch(/\+1\.50 s.*planner.*task whole, attempt 1 is done/s);
    expect(entry).toContain('node --test → exit 0 in 0.42 s');
  });
});

describe('why a mission is where it is', () => {
  it('says what a release could not reach, and when it tries again', () => {
    const released = (['IntegrationStarted', 'ReleaseDelayed'] as const).map((type) =>
      event(type, `release-${ID}`, { reason: 'could not resolve host' }),
    );
    const due = { ...deadline, stream: `release-${ID}`, key: 'delayed-1-2', holder: null };
    const told = printWhy(explain(ID, [accepted, ...released], [due], []));
    expect(told).toMatch(/could not be integrated \(failure 2\): could not resolve host.*in 8\.00 s.*it is tried again/s);
  });
  it('is told by what is worked on, not by those who only wait for it', () => {
    const why = explain(ID, [accepted, ...planned, running], [deadline], []);
    expect(why.waits.map(({ on }) => on)).toEqual(['work', 'service', 'service']);
    expect(why.waits[0]).toMatchObject({ owner: 'executor', holder: 'executor-1', due_in_ms: 8_000 });
    expect(printWhy(why)).toContain('the attempt counts as lost');
  });

  it('is a person where a card is open, and says how to answer it', () => {
    const gate = event('GateOpened', `gate-${ID}.1`);
    const why = explain(ID, [accepted, ...planned, running, gate], [], []);
    expect(why.waits[0]).toMatchObject({
      on: 'person',
      action: 'baton diff 724e9f6e.1, then baton approve 724e9f6e.1, or baton deny 724e9f6e.1 --reason "…"',
    });
  });

  it('is a dead letter before all else', () => {
    const letter = {
      id: 'f'.repeat(36),
      consumer: 'planner-react',
      subject: 's',
      position: 1,
      stream: `plan-${ID}`,
      headers: {},
      body: '',
      reason: 'handler-failed',
      cause: 'boom',
      deliveries: 8,
      parked_at: '',
      status: 'parked',
    } as const;
    expect(explain(ID, [accepted, ...planned], [], [letter]).waits[0]).toMatchObject({ on: 'dead-letter', owner: 'an operator' });
    // Nothing of its stream can be read, and it is told all the same.
    expect(explain(ID, [], [], [{ ...letter, stream: `mission-${ID}` }]).waits[0]).toMatchObject({ on: 'dead-letter' });
    // While it is tried alone it parks no stream; who forged an event may name any stream.
    const headers = { 'ce-subject': `mission-${ID}` };
    const alone = { ...letter, stream: null, headers, reason: 'handler-crashed' as const };
    expect(explain(ID, [accepted], [], [alone]).waits[0]).toMatchObject({
      on: 'dead-letter',
      next: 'it is tried alone once more',
    });
    const forged = explain(ID, [accepted], [], [{ ...alone, reason: 'forged-event' }]);
    expect(forged.waits.some(({ on }) => on === 'dead-letter')).toBe(false);
    expect(explain(ID, [accepted], [], [{ ...letter, stream: 'plan-other' }]).waits.some(({ on }) => on === 'dead-letter')).toBe(
      false,
    );
  });

  it('takes no deadline of a state that is over', () => {
    expect(explain(ID, [accepted, ...planned, running], [{ ...deadline, key: 'attempt-0' }], []).waits[0]).toMatchObject({
      deadline: null,
    });
  });

  it('is how it ended, once it has', () => {
    const why = explain(ID, [accepted, event('MissionFailed', `mission-${ID}`)], [], []);
    expect(why).toMatchObject({ ended: true, waits: [], outcome: 'failed in plan (semantic): because' });
  });
});

describe('a replay', () => {
  const events = [accepted, ...planned, running];

  it('gives the same hash for the same history, in whatever order its streams are looked at', () => {
    const hash = stateHash(plainStates(foldStreams(events)));
    expect(stateHash(plainStates(foldStreams([running, accepted, ...planned])))).toBe(hash);
    expect(stateHash(plainStates(foldStreams(events.slice(0, -1))))).not.toBe(hash);
  });

  it('shows what is in sets and maps', () => {
    const plan = plainStates(foldStreams(events)).find(({ stream }) => stream.startsWith('plan-'));
    expect(plan?.state).toMatchObject({ running: ['whole'] });
  });

  it('ends where the mission did', () => {
    expect(missionStatus(events)).toEqual({ status: 'active', ended: false });
    expect(missionStatus([...events, event('MissionCompleted', `mission-${ID}`)])).toEqual({ status: 'completed', ended: true });
  });
});
