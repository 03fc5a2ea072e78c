/** The services as the simulation runs them: the same reactions and deciders as in production, with scripted work. */
import {
  answerGateSchema,
  cancelMissionSchema,
  missionContractSchema,
  submitMissionSchema,
  type Change,
  type Receipt,
  type ServiceName,
  type Task,
} from '@baton/contracts';
import {
  STREAM_OF,
  type Expansion,
  type GateCommand,
  type MissionCommand,
  type PlanCommand,
  type ReleaseState,
  type ReviewState,
  type TaskState,
} from '@baton/domain';
import {
  digestOf,
  pause,
  uuidOf,
  type Performer,
  type Request,
  type ServiceDefinition,
  type Timers,
  type Work,
} from '@baton/handling';
import type { MissionScript } from './script.ts';
import type { Targets } from './targets.ts';

export interface Parts {
  readonly scriptOf: (mission_id: string) => MissionScript;
  readonly targets: Targets;
  /** The clock of the process that does the work. */
  readonly timers: Timers;
}

const TEST_MS = 3_000;
const REVIEW_MS = 4_000;
const objectOf = (...parts: readonly unknown[]): string => digestOf(parts).slice('sha256:'.length, 'sha256:'.length + 40);
const problem = (message: string, failure_class: 'transient' | 'semantic' | 'policy'): Error =>
  Object.assign(new Error(message), { failure_class });

/** Work takes its time, and stops when it is told to. */
async function works(parts: Parts, work: Work, ms: number): Promise<void> {
  await pause(parts.timers, ms, work.signal);
  work.signal.throwIfAborted();
}

const receipts = (criteria: Task['acceptance'], tree: string, exit_code: number): Receipt[] =>
  criteria.map(({ id, check }) => ({
    criterion_id: id,
    command: check?.run ?? [],
    exit_code,
    output_digest: digestOf(id),
    output_tail: '',
    tree,
    started_at: '2026-11-21T00:00:00.000Z',
    duration_ms: TEST_MS,
  }));
const change = (artifact: string, base: string, tree: string): Change => ({
  artifact,
  base_commit: base,
  base_tree: objectOf('tree', base),
  tree,
  files: ['src/index.ts'],
  insertions: 1,
  deletions: 0,
});

function submission(body: unknown): Request {
  const { idempotency_key, requested_by, contract } = submitMissionSchema.parse(body);
  const mission_id = uuidOf(`mission\n${idempotency_key}`);
  const read = missionContractSchema.safeParse(contract);
  const command: MissionCommand = read.success
    ? {
        type: 'AcceptMission',
        mission_id,
        contract: read.data,
        contract_digest: digestOf(read.data),
        requested_by,
        source: 'event',
      }
    : {
        type: 'RejectMission',
        mission_id,
        requested_by,
        faults: read.error.issues.map((issue) => ({
          field: issue.path.join('.'),
          problem: issue.message,
          fix: 'see the contract',
        })),
      };
  return {
    stream: STREAM_OF.mission(mission_id),
    command,
    causation_id: `request:${digestOf({ idempotency_key, contract })}`,
    correlation_id: mission_id,
    actor: { kind: 'person', id: requested_by },
  };
}
const intake: ServiceDefinition = {
  name: 'intake',
  inbound: {
    SubmitMission: (body) => [submission(body)],
    CancelMission: (body) => {
      const { mission_id, by, reason } = cancelMissionSchema.parse(body);
      return [
        {
          stream: STREAM_OF.mission(mission_id),
          command: { type: 'CancelMission', by, reason } satisfies MissionCommand,
          causation_id: `cancel:${mission_id}`,
          correlation_id: mission_id,
          actor: { kind: 'person', id: by },
        },
      ];
    },
  },
};

const planner = (parts: Parts): ServiceDefinition => {
  const expansionOf = ({ mission_id, contract }: Extract<PlanCommand, { type: 'PlanMission' }>): Expansion => {
    const { tasks } = parts.scriptOf(mission_id);
    if (tasks === null) return { problem: `template ${contract.template} is not known` };
    const { attempts_max, run_ms_max } = contract.budgets;
    const planned = Object.entries(tasks).map(([id, depends_on]): Task => ({
      id,
      title: id,
      instructions: 'do it',
      depends_on: [...depends_on],
      write_set: ['src/**'],
      write_set_exclude: [],
      acceptance: contract.criteria,
      agent: contract.agent,
      attempts_max,
      run_ms_max,
    }));
    return { tasks: planned, template_digest: digestOf(tasks) };
  };
  return {
    name: 'planner',
    prepare: {
      PlanMission: (command: Extract<PlanCommand, { type: 'PlanMission' }>) => ({ ...command, expansion: expansionOf(command) }),
    },
  };
};

const attempt =
  (parts: Parts): Performer =>
  async (work) => {
    const { task, attempt: number, base, mission_id } = work.state as Extract<TaskState, { status: 'running' }>;
    const { does, work_ms } = parts.scriptOf(mission_id).agent(task.id, number);
    const failed = (failure_class: 'transient' | 'semantic' | 'policy', cause: string) =>
      work.submit({ type: 'RecordFailure', attempt: number, failure_class, cause, output_tail: '' });
    await works(parts, work, does === 'overruns' ? task.run_ms_max : does === 'stuck' ? Number.MAX_SAFE_INTEGER : work_ms);
    if (does === 'throws') throw problem('no workspace could be made', 'transient');
    if (does === 'overruns') return void (await failed('transient', `not done within ${task.run_ms_max} ms`));
    if (does !== 'succeeds') return void (await failed(does === 'stuck' ? 'transient' : does, `the agent said ${does}`));
    const tree = objectOf('task', mission_id, task.id, number);
    await work.submit({
      type: 'RecordSuccess',
      attempt: number,
      summary: 'done',
      change: change(digestOf([mission_id, task.id, number, base.inputs]), objectOf('base'), tree),
      receipts: receipts(task.acceptance, tree, 0),
    });
  };

const review =
  (parts: Parts): Performer =>
  async (work) => {
    const { subject } = work.state as Extract<ReviewState, { status: 'reviewing' }>;
    const { mission_id, task, attempt: number } = subject;
    await works(parts, work, REVIEW_MS);
    const outcome = parts.scriptOf(mission_id).review(task.id, number);
    if (outcome === 'throws') throw problem('the artifact cannot be read', 'transient');
    const holds = outcome === 'holds';
    const findings = holds
      ? []
      : [{ criterion_id: 'tests', severity: 'blocking', statement: 'it does not hold', evidence: 'exit code 1' }];
    await work.submit({
      type: 'ConcludeReview',
      attempt: number,
      verdicts: task.acceptance.map(({ id }) => ({ criterion_id: id, holds, evidence: 'receipt' })),
      findings,
    });
  };

const approval = (parts: Parts): ServiceDefinition => ({
  name: 'approval',
  prepare: {
    OpenGate: (command: Extract<GateCommand, { type: 'OpenGate' }>) => {
      const policy = {
        id: 'scripted',
        version: '1',
        digest: digestOf('policy'),
        rule: 'script',
        input_digest: digestOf(command.card),
      };
      return { ...command, evaluation: { tier: parts.scriptOf(command.mission_id).tier, self_approval: false, policy } };
    },
  },
  inbound: {
    AnswerGate: (body) => {
      const asked = answerGateSchema.parse(body);
      const { mission_id, revision, content_digest, answer, by, channel, reason } = asked;
      const actor = { kind: 'person', id: by } as const;
      return [
        {
          stream: STREAM_OF.gate(mission_id, revision),
          command: { type: 'AnswerGate', answer, content_digest, by: actor, channel, reason } satisfies GateCommand,
          causation_id: `answer:${digestOf(asked)}`,
          correlation_id: mission_id,
          actor,
        },
      ];
    },
  },
});

const integrate =
  (parts: Parts): Performer =>
  async (work) => {
    const { mission_id, revision, delivery, accepted } = work.state as Extract<ReleaseState, { status: 'integrating' }>;
    const script = parts.scriptOf(mission_id);
    const base = parts.targets.head(delivery.repository);
    await works(parts, work, TEST_MS);
    if (script.integration === 'conflicts') throw problem('src/index.ts does not merge', 'semantic');
    const artifact = digestOf(['diff', mission_id, accepted, script.rebase_changes ? base : '']);
    const tree = objectOf('merged', mission_id, base, accepted);
    const minted = receipts(delivery.criteria, tree, script.integration === 'fails' ? 1 : 0);
    await work.submit({
      type: 'RecordIntegration',
      revision,
      change: change(artifact, base, tree),
      receipts: minted,
      content_digest: digestOf({ diff: artifact, contract: delivery.contract_digest }),
    });
  };

const land =
  (parts: Parts): Performer =>
  async (work) => {
    const {
      delivery,
      revision,
      change: tested,
      mission_id,
      content_digest,
    } = work.state as Extract<ReleaseState, { status: 'landing' }>;
    await works(parts, work, parts.scriptOf(mission_id).land_ms);
    const landing = parts.targets.land({
      repository: delivery.repository,
      expected_base: tested.base_commit,
      tree: tested.tree,
      mission_id,
      content_digest,
    });
    if (landing.status === 'moved')
      return void (await work.submit({ type: 'RecordTargetMoved', revision, target_commit: landing.target_commit }));
    const decided = await work.submit({ type: 'RecordLanding', revision, commit: landing.commit, tree: landing.tree });
    if (decided.status === 'refused') throw problem(`${landing.commit} landed with another tree than was tested`, 'policy');
  };

export function definitionOf(service: ServiceName, parts: Parts): ServiceDefinition {
  switch (service) {
    case 'intake':
      return intake;
    case 'planner':
      return planner(parts);
    case 'executor':
      return { name: 'executor', perform: { attempt: attempt(parts) } };
    case 'reviewer':
      return { name: 'reviewer', perform: { review: review(parts) } };
    case 'approval':
      return approval(parts);
    case 'release':
      return { name: 'release', perform: { integrate: integrate(parts), land: land(parts) } };
    default:
      return { name: service };
  }
}
