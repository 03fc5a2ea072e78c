/** Who answers the gates of this suite: over HTTP, asked again until there is an answer; every 2xx is remembered. */
import { setTimeout as delay } from 'node:timers/promises';
import type { DataOf } from '@baton/contracts';
import { REQUESTER } from './kinds.ts';
import type { Ledger } from './ledger.ts';

const APPROVER = 'grace';
const LOOK_EVERY_MS = 100;
const ANSWER_MS_MAX = 10_000;
const CONFLICT = 409;
const NOT_FOUND = 404;

export interface Answered {
  readonly mission_id: string;
  readonly content_digest: string;
  readonly by: string;
}

export interface People {
  /** Somebody else than its requester is going to approve what this mission asks for. */
  expect(mission_id: string): void;
  /** Approvals that were answered with 2xx. */
  readonly answered: readonly Answered[];
  /** Answers that should not have been given. */
  readonly wrong: readonly string[];
  forget(mission_id: string): void;
  close(): Promise<void>;
}

type Gate = DataOf<'GateOpened'>;

export function peopleOf(ledger: Ledger, approval: () => Promise<string>): People {
  const waiting = new Set<string>();
  const answered: Answered[] = [];
  const wrong: string[] = [];
  let closed = false;
  let attending: Promise<void> | null = null;

  const say = async (by: string, { mission_id, revision, content_digest }: Gate): Promise<Response | null> =>
    fetch(`${await approval()}/v1/gates/${mission_id}/${String(revision)}/answer`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'baton-actor': by },
      body: JSON.stringify({ content_digest, answer: 'approve', reason: '' }),
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    }).catch(() => null);

  async function answer(gate: Gate): Promise<void> {
    const { mission_id, content_digest } = gate;
    const own = await say(REQUESTER, gate);
    if (own?.ok) wrong.push(`${REQUESTER} was let approve ${mission_id}, which ${REQUESTER} has asked for`);
    const response = await say(APPROVER, gate);
    if (response === null || response.status >= 500 || response.status === NOT_FOUND) return;
    waiting.delete(mission_id);
    if (response.ok) answered.push({ mission_id, content_digest, by: APPROVER });
    // An answer that was lost on its way here has decided already.
    else if (response.status !== CONFLICT)
      wrong.push(`approval answered ${response.status} for ${mission_id}: ${await response.text()}`);
  }

  async function attend(): Promise<void> {
    while (waiting.size > 0 && !closed) {
      // A stack that is down is one of the faults.
      await ledger.refresh().catch(() => undefined);
      for (const id of waiting) if (ledger.ended.has(id)) waiting.delete(id);
      const gates = ledger.events.flatMap(({ type, data }) =>
        type === 'GateOpened' && waiting.has(data.mission_id) ? [data] : [],
      );
      await Promise.all(gates.map((gate) => answer(gate).catch(() => undefined)));
      await delay(LOOK_EVERY_MS);
    }
    attending = null;
  }
  return {
    expect: (mission_id) => {
      waiting.add(mission_id);
      attending ??= attend();
    },
    answered,
    wrong,
    forget: (mission_id) => {
      waiting.delete(mission_id);
      const left = answered.filter((one) => one.mission_id !== mission_id);
      answered.splice(0, answered.length, ...left);
    },
    close: async () => {
      closed = true;
      await attending;
    },
  };
}
