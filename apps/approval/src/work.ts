/** Asks the policy which tier a release needs, and takes people's answers; who decides is never the one who asks. */
import { answerGateSchema, type AnswerGate } from '@baton/contracts';
import { STREAM_OF, type GateCommand } from '@baton/domain';
import { digestOf, InvalidRequest, type Request, type ServiceDefinition } from '@baton/handling';
import type { Policy } from '@baton/ports';

type OpenGate = Extract<GateCommand, { type: 'OpenGate' }>;

export function answer(asked: AnswerGate, traceparent?: string): Request {
  const { mission_id, revision, content_digest, by, channel, reason } = asked;
  const command: GateCommand = {
    type: 'AnswerGate',
    answer: asked.answer,
    content_digest,
    by: { kind: 'person', id: by },
    channel,
    reason,
  };
  return {
    stream: STREAM_OF.gate(mission_id, revision),
    command,
    causation_id: `answer:${digestOf(asked)}`,
    correlation_id: mission_id,
    actor: { kind: 'person', id: by },
    traceparent,
  };
}

export const approval = (policy: Policy): ServiceDefinition => ({
  name: 'approval',
  prepare: {
    OpenGate: (command: OpenGate) => {
      const { card, requested_by, target } = command;
      const evaluation = policy.evaluate({
        risk: card.risk,
        repository_host: target.repository === null ? null : hostOf(target.repository.url),
        repository_url: target.repository?.url ?? null,
        target: target.repository?.target ?? null,
        files: target.files,
        insertions: card.insertions,
        deletions: card.deletions,
        requested_by,
        checks_failed: card.checks.filter((check) => check.exit_code !== 0).length,
      });
      return { ...command, evaluation };
    },
  },
  inbound: {
    AnswerGate: (body, delivery) => {
      const parsed = answerGateSchema.safeParse(body);
      if (!parsed.success)
        throw new InvalidRequest(
          parsed.error.issues.map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`).join('; '),
        );
      return [answer(parsed.data, delivery.headers['traceparent'])];
    },
  },
});

const hostOf = (url: string): string | null => URL.parse(url)?.host || (/^(?:[^@/]+@)?([^:/]+):/.exec(url)?.[1] ?? null);
