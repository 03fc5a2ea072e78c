/** Turns what outsiders ask for into commands to missions. The same idempotency key is the same mission, on every way in. */
import { cancelMissionSchema, submitMissionSchema, type Actor } from '@baton/contracts';
import { STREAM_OF, type MissionCommand } from '@baton/domain';
import { digestOf, InvalidRequest, missionIdOf, type Request, type ServiceDefinition } from '@baton/handling';
import { readContract } from './contract.ts';

export interface Submission {
  readonly idempotency_key: string;
  readonly requested_by: string;
  readonly contract: unknown;
  readonly source: 'http' | 'event';
  readonly traceparent?: string | undefined;
}

const person = (id: string): Actor => ({ kind: 'person', id });

/** The command that answers a submission: accepted, or rejected with every fault. */
export function submission(asked: Submission): Request & { readonly command: MissionCommand } {
  const mission_id = missionIdOf(asked.idempotency_key);
  const read = readContract(asked.contract);
  const { requested_by, source } = asked;
  const command: MissionCommand =
    'contract' in read
      ? {
          type: 'AcceptMission',
          mission_id,
          contract: read.contract,
          contract_digest: digestOf(read.contract),
          requested_by,
          source,
        }
      : { type: 'RejectMission', mission_id, requested_by, faults: read.faults };
  // What was read is part of the cause: a mended contract under the same key is another request, a repeated one is not. Never
  // the raw body: nested deep enough, it overflows the stack of whoever digests it.
  const causation_id = `request:${digestOf({ key: asked.idempotency_key, read })}`;
  return {
    stream: STREAM_OF.mission(mission_id),
    command,
    causation_id,
    correlation_id: mission_id,
    actor: person(requested_by),
    traceparent: asked.traceparent,
  };
}

export function cancellation(mission_id: string, by: string, reason: string): Request {
  const command: MissionCommand = { type: 'CancelMission', by, reason };
  return {
    stream: STREAM_OF.mission(mission_id),
    command,
    causation_id: `cancel:${mission_id}`,
    correlation_id: mission_id,
    actor: person(by),
  };
}

function parsed<T>(
  schema: {
    safeParse(
      body: unknown,
    ):
      | { success: true; data: T }
      | { success: false; error: { issues: readonly { path: readonly PropertyKey[]; message: string }[] } };
  },
  body: unknown,
): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  throw new InvalidRequest(result.error.issues.map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`).join('; '));
}

export const intake: ServiceDefinition = {
  name: 'intake',
  inbound: {
    SubmitMission: (body, delivery) => [
      submission({
        ...parsed(submitMissionSchema, body),
        contract: (body as { contract?: unknown }).contract,
        source: 'event',
        traceparent: delivery.headers['traceparent'],
      }),
    ],
    CancelMission: (body) => {
      const { mission_id, by, reason } = parsed(cancelMissionSchema, body);
      return [cancellation(mission_id, by, reason)];
    },
  },
};
