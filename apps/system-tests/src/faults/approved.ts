/** I1 for people, and I7: what was answered with 2xx is in the record, and nothing landed that nobody had let pass. */
import type { DataOf, EventRecord } from '@baton/contracts';
import type { Answered } from './people.ts';

/** The policy lets only these pass by themselves. */
const PASSES_BY_ITSELF = 'low';

export function unrecordedAnswers(events: readonly EventRecord[], answered: readonly Answered[]): readonly string[] {
  const granted = new Set(
    events.flatMap(({ type, data }) =>
      type === 'ApprovalGranted' ? [`${data.mission_id} ${data.content_digest} ${data.by.id}`] : [],
    ),
  );
  return answered
    .filter(({ mission_id, content_digest, by }) => !granted.has(`${mission_id} ${content_digest} ${by}`))
    .map(({ mission_id, content_digest, by }) => `${by} approved ${content_digest} of ${mission_id}, and it is not recorded`);
}

/** Releases that landed without a passed gate for exactly that content, or without the person that it needed. */
export function unapproved(events: readonly EventRecord[]): readonly string[] {
  const accepted = new Map<string, DataOf<'MissionAccepted'>>();
  const opened = new Map<string, DataOf<'GateOpened'>>();
  const granted = new Map<string, string>();
  const passed = new Map<string, DataOf<'GatePassed'>>();
  const missing: string[] = [];
  for (const { type, data } of events) {
    const content = `${data.mission_id} ${'content_digest' in data ? data.content_digest : ''}`;
    if (type === 'MissionAccepted') accepted.set(data.mission_id, data);
    if (type === 'GateOpened') opened.set(content, data);
    if (type === 'ApprovalGranted') granted.set(content, data.by.id);
    if (type === 'GatePassed') passed.set(content, data);
    if (type !== 'ReleaseLanded') continue;
    const gate = passed.get(content);
    const mission = accepted.get(data.mission_id);
    if (gate === undefined) missing.push(`mission ${data.mission_id} landed without a passed gate for that content`);
    else if (gate.tier === 'gate' || opened.has(content) || (mission && mission.contract.risk !== PASSES_BY_ITSELF)) {
      const by = granted.get(content);
      const by_requester = by === mission?.requested_by && opened.get(content)?.self_approval !== true;
      if (by === undefined) missing.push(`mission ${data.mission_id} landed and nobody had approved it`);
      else if (by_requester) missing.push(`mission ${data.mission_id} landed by the word of ${by}, who had asked for it`);
    }
  }
  return missing;
}
