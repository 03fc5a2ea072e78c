/** The services as the simulation runs them: the same reactions and deciders as in production, with scripted work. */
import {
  answerGateSchema,
  cancelMissionSchema,
  missionContractSchema,
  submitMissionSchema,
  type ServiceName,
  type Task,
} from '@baton/contracts';
import { STREAM_OF, type Expansion, type GateCommand, type MissionCommand, type PlanCommand } from '@baton/domain';
import { digestOf, InvalidRequest, missionIdOf, type Request, type ServiceDefinition } from '@baton/handling';
import { attempt, integrate, land, isReviewedAtOnce, review, type Parts } from './scripted-work.ts';

interface Schema<T> {
  safeParse(body: unknown): { readonly success: true; readonly data: T } | { readonly success: false; readonly error: Error };
}
function parsed<T>(schema: Schema<T>, body: unknown): T {
  const read = schema.safeParse(body);
  if (!read.success) throw new InvalidRequest(read.error.message);
  return read.data;
}

function submission(body: unknown): Request {
  const { idempotency_key, requested_by, contract } = parsed(submitMissionSchema, body);
  const mission_id = missionIdOf(idempotency_key);
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

function cancellation(body: unknown): Request {
  const { mission_id, by, reason } = parsed(cancelMissionSchema, body);
  return {
    stream: STREAM_OF.mission(mission_id),
    command: { type: 'CancelMission', by, reason } satisfies MissionCommand,
    causation_id: `cancel:${mission_id}`,
    correlation_id: mission_id,
    actor: { kind: 'person', id: by },
  };
}

function gateAnswer(body: unknown): Request {
  const asked = parsed(answerGateSchema, body);
  const { mission_id, revision, content_digest, answer, by, channel, reason } = asked;
  const actor = { kind: 'person', id: by } as const;
  return {
    stream: STREAM_OF.gate(mission_id, revision),
    command: { type: 'AnswerGate', answer, content_digest, by: actor, channel, reason } satisfies GateCommand,
    causation_id: `answer:${digestOf(asked)}`,
    correlation_id: mission_id,
    actor,
  };
}

type PlanMission = Extract<PlanCommand, { type: 'PlanMission' }>;
function expansionOf(parts: Parts, { mission_id, contract }: PlanMission): Expansion {
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
}

type OpenGate = Extract<GateCommand, { type: 'OpenGate' }>;
function evaluated(parts: Parts, command: OpenGate): OpenGate {
  const policy = {
    id: 'scripted',
    version: '1',
    digest: digestOf('policy'),
    rule: 'script',
    input_digest: digestOf(command.card),
  };
  return { ...command, evaluation: { tier: parts.scriptOf(command.mission_id).tier, self_approval: false, policy } };
}

export function definitionOf(service: ServiceName, parts: Parts): ServiceDefinition {
  switch (service) {
    case 'intake':
      return {
        name: 'intake',
        inbound: { SubmitMission: (body) => [submission(body)], CancelMission: (body) => [cancellation(body)] },
      };
    case 'planner':
      return {
        name: 'planner',
        prepare: { PlanMission: (command: PlanMission) => ({ ...command, expansion: expansionOf(parts, command) }) },
      };
    case 'executor':
      return { name: 'executor', perform: { attempt: attempt(parts) } };
    case 'reviewer':
      return { name: 'reviewer', perform: { review: review(parts) }, at_once: { review: isReviewedAtOnce } };
    case 'approval':
      return {
        name: 'approval',
        prepare: { OpenGate: (command: OpenGate) => evaluated(parts, command) },
        inbound: { AnswerGate: (body) => [gateAnswer(body)] },
      };
    case 'release':
      return { name: 'release', perform: { integrate: integrate(parts), land: land(parts) } };
    default:
      return { name: service };
  }
}
