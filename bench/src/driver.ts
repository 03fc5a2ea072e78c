/**
 * Drives missions as their users would: submitted over HTTP, decision cards answered by an event, ends seen on the bus.
 * Nothing is switched off: every mission is planned, attempted, reviewed, integrated, approved by a person's answer and landed.
 */
import { Agent, request } from 'node:http';
import { randomUUID } from 'node:crypto';
import { connectBus, publishInbound } from '@baton/bus';
import { subjectOf } from '@baton/contracts';
import { missionIdOf } from '@baton/handling';
import type { Done } from './load.ts';
import type { BenchStack } from './stack.ts';

/** 500 bytes of result per step, as the peers' workflows return. */
const OUTPUT = 'x'.repeat(500);
const MISSION_MS_MAX = 120_000;

/** What every benchmark of whole missions hands in, but for its agent. */
export const CONTRACT = {
  baton: 'mission/v1',
  title: 'Write one document',
  objective: 'Write the document that the benchmark asks for',
  scope: { include: ['**'] },
  non_goals: ['Change anything else'],
  criteria: [{ id: 'written', statement: 'The document is not empty' }],
  rollback: 'Throw the document away',
  risk: 'medium',
} as const;

/** Each mission has content of its own, as each has in life. */
const contractFor = (idempotency_key: string, more: object): string =>
  JSON.stringify({
    ...CONTRACT,
    agent: { runtime: 'scripted', output: `${idempotency_key} ${OUTPUT}` },
    ...more,
  });

export interface DriverOptions {
  /** False = nobody answers a card, and a mission is done when it waits for an answer. */
  readonly answers?: boolean;
  /** Of the contract, beyond or instead of what all have. */
  readonly contract?: object;
  readonly mission_ms_max?: number;
}

export interface Driver {
  /** Resolves with the mission's time from submission to completion; rejects if it ended otherwise. */
  mission(): Promise<Done>;
  readonly nats_version: string;
  close(): Promise<void>;
}

interface Waiting {
  readonly done: () => void;
  readonly failed: (error: Error) => void;
}

interface Ended {
  readonly mission_id: string;
  readonly revision: number;
  readonly content_digest: string;
  readonly reason?: string;
}

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined, fatal: () => undefined };

export async function startDriver(
  stack: BenchStack,
  { answers = true, contract = {}, mission_ms_max = MISSION_MS_MAX }: DriverOptions = {},
): Promise<Driver> {
  const bus = await connectBus({ servers: stack.nats_url, user: 'cli', nkey_seed: stack.nkey_seed, logger: quiet });
  const waiting = new Map<string, Waiting>();
  const ends = ['MissionCompleted', 'MissionFailed', 'MissionCancelled', 'GateOpened'] as const;
  const gate = subjectOf('GateOpened');
  const completed = subjectOf('MissionCompleted');
  const onEvent = (subject: string, data: Ended): void => {
    if (subject === gate && answers) {
      const { mission_id, revision, content_digest } = data;
      const answer = { mission_id, revision, content_digest, answer: 'approve', by: 'bench-approver', channel: 'event' };
      void publishInbound(bus.connection, 'AnswerGate', answer, { id: randomUUID() });
      return;
    }
    const one = waiting.get(data.mission_id);
    waiting.delete(data.mission_id);
    if (subject === completed || subject === gate) one?.done();
    else one?.failed(new Error(`mission ${data.mission_id} did not complete: ${data.reason ?? subject}`));
  };
  const subscriptions = ends.map((type) =>
    bus.connection.subscribe(subjectOf(type), {
      callback: (error, message) => void (error ?? onEvent(message.subject, message.json<Ended>())),
    }),
  );
  await bus.connection.flush();
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  return {
    nats_version: bus.connection.info?.version ?? 'unknown',
    async mission() {
      const started = performance.now();
      const { promise, resolve, reject } = Promise.withResolvers<undefined>();
      // Known before it is submitted, so that its end cannot be missed.
      const idempotency_key = randomUUID();
      const mission_id = missionIdOf(idempotency_key);
      const timer = setTimeout(
        () => reject(new Error(`mission ${mission_id} did not end within ${mission_ms_max} ms`)),
        mission_ms_max,
      );
      waiting.set(mission_id, { done: () => resolve(undefined), failed: reject });
      await submit(stack.intake_url, agent, idempotency_key, contractFor(idempotency_key, contract));
      await promise.finally(() => clearTimeout(timer));
      return { id: mission_id, took_ms: performance.now() - started };
    },
    async close() {
      for (const subscription of subscriptions) subscription.unsubscribe();
      await bus.close();
      agent.destroy();
    },
  };
}

/** A kept connection may be closed just when it is used again: the key makes it safe to ask once more. */
const SUBMIT_TRIES_MAX = 3;

async function submit(intake_url: string, agent: Agent, idempotency_key: string, contract: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await submitOnce(intake_url, agent, idempotency_key, contract);
    } catch (error) {
      if (tries >= SUBMIT_TRIES_MAX || (error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error;
    }
  }
}

function submitOnce(intake_url: string, agent: Agent, idempotency_key: string, contract: string): Promise<void> {
  const headers = {
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(contract)),
    'idempotency-key': idempotency_key,
    'baton-actor': 'bench',
  };
  return new Promise((resolve, reject) => {
    const outgoing = request(`${intake_url}/v1/missions`, { method: 'POST', agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        if (response.statusCode === 201 || response.statusCode === 200) resolve();
        else reject(new Error(`intake answered ${String(response.statusCode)}: ${text}`));
      });
    });
    outgoing.on('error', reject);
    outgoing.end(contract);
  });
}
