/** Everybody who is not Baton: who submits, cancels, answers cards and pushes to the same branches. */
import type { DataOf, EventRecord, InboundName } from '@baton/contracts';
import { digestOf } from '@baton/handling';
import type { AskedFor } from './memory-bus.ts';
import type { Random } from './random.ts';
import type { MissionScript } from './script.ts';
import type { Targets } from './targets.ts';

interface Intent {
  readonly due_ms: number;
  readonly act: () => void;
}
export interface Answer {
  readonly mission_id: string;
  readonly revision: number;
  readonly content_digest: string;
  readonly answer: 'approve' | 'deny';
  readonly by: string;
}

export interface Outside {
  /** Reacts to what became known. */
  saw(event: EventRecord): void;
  nextDue(): number | null;
  /** Does what is due first; false = nothing is. */
  actOne(): boolean;
  /** Whoever gets no answer to what he asked for asks again. */
  asksAgain(lost: readonly AskedFor[]): void;
  sendsGarbage(n: number): void;
  /** What people really said: nothing else may be in the record. */
  readonly answers: readonly Answer[];
}

const SUBMIT_MS_MAX = 60_000;
const ANSWER_MS_MAX = 3_600_000;
const ASK_AGAIN_MS_MAX = 60_000;
/** After the gate is closed. */
const LATE_MS = 25 * 3_600_000;
const GARBAGE = ['not json', '{}', '{"idempotency_key":7}', '[]', '{"mission_id":"","by":""}'];
const NAMES: readonly InboundName[] = ['SubmitMission', 'CancelMission', 'AnswerGate'];

export interface OutsideOptions {
  readonly scripts: readonly MissionScript[];
  readonly now_ms: () => number;
  readonly draw: Random;
  readonly request: (asked: AskedFor) => void;
  readonly targets: Targets;
}

export function outside({ scripts, now_ms, draw, request, targets }: OutsideOptions): Outside {
  const intents: Intent[] = [];
  const answers: Answer[] = [];
  const byId = new Map(scripts.map((script) => [script.id, script]));
  const cancelled = new Set<string>();
  const pushed = new Map<string, number>();
  let requests = 0;
  const later = (after_ms: number, act: () => void): void => void intents.push({ due_ms: now_ms() + after_ms, act });
  const send = (name: InboundName, body: string): void => request({ name, id: `request-${++requests}`, body });
  const ask = (name: InboundName, body: unknown): void => send(name, JSON.stringify(body));

  for (const { id, key, requested_by, contract, faulty, submissions, cancels_early } of scripts) {
    const first_ms = draw.int(SUBMIT_MS_MAX);
    if (cancels_early) ask('CancelMission', { mission_id: id, by: 'ada', reason: 'too early' });
    if (faulty !== null) later(first_ms, () => ask('SubmitMission', { idempotency_key: key, requested_by, contract: faulty }));
    for (let n = 1; n <= submissions; n++)
      later(first_ms + draw.int(SUBMIT_MS_MAX * n), () => ask('SubmitMission', { idempotency_key: key, requested_by, contract }));
  }

  function answer(script: MissionScript, { revision, content_digest }: DataOf<'GateOpened'>): void {
    const says = (after_ms: number, by: string, given: 'approve' | 'deny', digest = content_digest): void =>
      later(after_ms, () => {
        const said: Answer = { mission_id: script.id, revision, content_digest: digest, answer: given, by };
        answers.push(said);
        ask('AnswerGate', { ...said, channel: 'web', reason: '' });
      });
    const after_ms = draw.int(ANSWER_MS_MAX);
    if (script.person === 'never') return;
    if (script.person === 'late') return says(LATE_MS + after_ms, 'grace', 'approve');
    if (script.person === 'asks-oneself-first') says(Math.floor(after_ms / 2), script.requested_by, 'approve');
    if (script.person === 'saw-other-content') says(Math.floor(after_ms / 2), 'grace', 'approve', digestOf('other content'));
    says(after_ms, 'grace', script.person === 'denies' ? 'deny' : 'approve');
    if (script.person === 'twice') says(after_ms + draw.int(2_000), 'grace', 'approve');
    if (script.person === 'contradicts-oneself') says(after_ms + draw.int(2_000), 'grace', 'deny');
    // Two people answer at about the same time: the first one wins.
    if (draw.chance(0.7)) says(after_ms + draw.int(2_000), 'linus', draw.pick(['approve', 'deny']));
  }

  return {
    answers,
    saw(event) {
      const script = byId.get(event.data.mission_id);
      if (!script) return;
      if (event.type === 'GateOpened') answer(script, event.data);
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
    asksAgain(lost) {
      for (const { name, body } of lost) later(draw.int(ASK_AGAIN_MS_MAX), () => send(name, body));
    },
    sendsGarbage: (n) => send(NAMES[n % NAMES.length]!, GARBAGE[n % GARBAGE.length]!),
  };
}
