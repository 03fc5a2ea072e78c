/** Everybody who is not Baton: who submits, cancels, answers cards and pushes to the same branches. */
import type { DataOf, EventRecord, InboundName } from '@baton/contracts';
import { digestOf } from '@baton/handling';
import type { Random } from './random.ts';
import type { MissionScript } from './script.ts';
import type { Targets } from './targets.ts';

interface Intent {
  readonly due_ms: number;
  readonly act: () => void;
}

export interface Outside {
  /** Reacts to what became known. */
  saw(event: EventRecord): void;
  nextDue(): number | null;
  /** Does what is due first; false = nothing is. */
  actOne(): boolean;
}

const SUBMIT_MS_MAX = 60_000;
const ANSWER_MS_MAX = 3_600_000;

export function outside(
  scripts: readonly MissionScript[],
  now_ms: () => number,
  draw: Random,
  request: (name: InboundName, id: string, body: unknown) => void,
  targets: Targets,
): Outside {
  const intents: Intent[] = [];
  const byId = new Map(scripts.map((script) => [script.id, script]));
  const cancelled = new Set<string>();
  const pushed = new Map<string, number>();
  let requests = 0;
  const later = (after_ms: number, act: () => void): void => void intents.push({ due_ms: now_ms() + after_ms, act });
  const ask = (name: InboundName, body: unknown): void => request(name, `request-${++requests}`, body);

  for (const { key, requested_by, contract, faulty, submissions } of scripts) {
    const first_ms = draw.int(SUBMIT_MS_MAX);
    if (faulty !== null) later(first_ms, () => ask('SubmitMission', { idempotency_key: key, requested_by, contract: faulty }));
    for (let n = 1; n <= submissions; n++)
      later(first_ms + draw.int(SUBMIT_MS_MAX * n), () => ask('SubmitMission', { idempotency_key: key, requested_by, contract }));
  }

  function answers(script: MissionScript, { revision, content_digest }: DataOf<'GateOpened'>): void {
    const answer = (after_ms: number, by: string, given: 'approve' | 'deny', digest = content_digest): void =>
      later(after_ms, () =>
        ask('AnswerGate', {
          mission_id: script.id,
          revision,
          content_digest: digest,
          answer: given,
          by,
          channel: 'web',
          reason: '',
        }),
      );
    const after_ms = draw.int(ANSWER_MS_MAX);
    if (script.person === 'never') return;
    if (script.person === 'asks-oneself-first') answer(after_ms / 2, script.requested_by, 'approve');
    if (script.person === 'saw-other-content') answer(after_ms / 2, 'grace', 'approve', digestOf('other content'));
    answer(after_ms, 'grace', script.person === 'denies' ? 'deny' : 'approve');
    // Two people answer at about the same time: the first one wins.
    answer(after_ms + draw.int(2_000), 'linus', draw.pick(['approve', 'deny']));
  }

  return {
    saw(event) {
      const script = byId.get(event.data.mission_id)!;
      if (event.type === 'GateOpened') answers(script, event.data);
      if (script.cancel?.on === event.type && !cancelled.has(script.id)) {
        cancelled.add(script.id);
        later(script.cancel.after_ms, () => ask('CancelMission', { mission_id: script.id, by: 'ada', reason: 'not needed' }));
      }
      const pushes = pushed.get(script.id) ?? 0;
      if (event.type === 'ReleaseQueued' && pushes < script.pushes) {
        pushed.set(script.id, pushes + 1);
        later(draw.int(Math.max(1, script.land_ms)), () => targets.push(script.contract.repository ?? null));
      }
    },
    nextDue: () =>
      intents.reduce<number | null>((earliest, { due_ms }) => (earliest === null || due_ms < earliest ? due_ms : earliest), null),
    actOne() {
      const due = intents.findIndex(({ due_ms }) => due_ms <= now_ms());
      if (due < 0) return false;
      intents.splice(due, 1)[0]!.act();
      return true;
    },
  };
}
