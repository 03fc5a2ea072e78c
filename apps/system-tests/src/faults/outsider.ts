/** What somebody with a key can put into the log or on the bus, past every check of ours: a newer release, a script, an attacker. */
import { randomUUID } from 'node:crypto';
import { CLI, connectBus, type BusConnection, type BusLogger } from '@baton/bus';
import { INBOUND, STREAMS, roleOf, type EventRecord, type InboundName, type StreamName } from '@baton/contracts';
import { openEventStore } from '@baton/event-store';
import { databaseUrl } from '@baton/tools';
import { headers as natsHeaders } from '@nats-io/nats-core';
import type { Ground } from './ground.ts';

const ANSWER_MS_MAX = 5_000;
const silent: BusLogger = { info: () => undefined, warn: () => undefined, error: () => undefined, fatal: () => undefined };

export interface Written {
  readonly type: string;
  readonly schema_version: number;
  /** As it stands there, be it JSON or not. */
  readonly data: string;
}

/** Appended by intake's own role to the stream of a mission, behind what is there already. */
export async function writeToLog(
  ground: Ground,
  mission_id: string,
  events: readonly Written[],
  after_version = 0,
): Promise<void> {
  const role = roleOf('intake');
  const { [role]: password = '' } = (await ground.secrets()).postgres;
  const url = databaseUrl((await ground.baton.stack()).postgres_url, { user: role, password });
  const store = openEventStore({ url, application_name: 'fault-suite-outsider', read_connections_max: 1 });
  try {
    const { status } = await store.log.append({
      stream: `mission-${mission_id}`,
      expected_version: after_version,
      events: events.map(({ type, schema_version, data }) => ({
        id: randomUUID(),
        type,
        data,
        meta: metaOf(mission_id, schema_version),
      })),
      deadline: null,
    });
    if (status !== 'appended') throw new Error(`the log did not take ${events.map(({ type }) => type).join(', ')}: ${status}`);
  } finally {
    await store.close();
  }
}

const metaOf = (mission_id: string, schema_version: number): string =>
  JSON.stringify({
    schema_version,
    correlation_id: mission_id,
    causation_id: 'fault-suite',
    actor: { kind: 'service', id: 'intake' },
    of_a_newer_release: { any: ['thing'] },
  });

/** The acceptance of a mission that went well, as the data of another mission's. */
export async function acceptance(ground: Ground, mission_id: string): Promise<Record<string, unknown>> {
  const { missions } = ground;
  const done = await missions.submit();
  await missions.ended([done]);
  const accepted = missions.ledger.events.find(
    (event): event is Extract<EventRecord, { type: 'MissionAccepted' }> =>
      event.type === 'MissionAccepted' && event.data.mission_id === done,
  );
  if (!accepted) throw new Error(`the log has no acceptance of ${done}`);
  return { ...accepted.data, mission_id };
}

export interface Sent {
  readonly name: InboundName;
  readonly body: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  /** Instead of that of the name. */
  readonly subject?: string;
}

/** As a program outside that is let in; resolves to what the stream says to each: a sequence, or why it does not take it. */
export async function sendInbound(ground: Ground, all: readonly Sent[]): Promise<readonly (number | string)[]> {
  return asOutsider(ground, async ({ connection }) => {
    const answers: (number | string)[] = [];
    for (const { name, body, headers = {}, subject = INBOUND[name].subject } of all) {
      const given = natsHeaders();
      for (const [key, value] of Object.entries(headers)) given.set(key, value);
      const reply = await connection.request(subject, body, { timeout: ANSWER_MS_MAX, headers: given });
      const { seq, error } = reply.json<{ seq?: number; error?: { description: string } }>();
      answers.push(error?.description ?? seq ?? 'no sequence');
    }
    return answers;
  });
}

/** The names of the headers that a message of a stream has, as often as it has them. */
export async function messageHeaders(ground: Ground, stream: StreamName, sequence: number): Promise<readonly string[]> {
  return asOutsider(ground, async ({ connection }) => {
    const message = await connection.request(`$JS.API.DIRECT.GET.${stream}`, JSON.stringify({ seq: sequence }), {
      timeout: ANSWER_MS_MAX,
    });
    const names = [...(message.headers ?? [])].flatMap(([name, values]) => values.map(() => name));
    if (names.length === 0) throw new Error(`${stream} gives no message ${sequence}: ${message.string()}`);
    return names;
  });
}

export interface StoredMessage {
  readonly sequence: number;
  /** When the stream took it, in the words of the server: a copy that is made later has another. */
  readonly stored_at: string;
}

/** The last of a stream, or the one of a sequence. */
export async function messageOf(ground: Ground, stream: StreamName, sequence?: number): Promise<StoredMessage> {
  return asOutsider(ground, async ({ connection }) => {
    const wanted = sequence === undefined ? { last_by_subj: STREAMS[stream].subjects[0] } : { seq: sequence };
    const message = await connection.request(`$JS.API.DIRECT.GET.${stream}`, JSON.stringify(wanted), { timeout: ANSWER_MS_MAX });
    const found = {
      sequence: Number(message.headers?.get('Nats-Sequence')),
      stored_at: message.headers?.get('Nats-Time-Stamp') ?? '',
    };
    if (!(found.sequence > 0) || found.stored_at === '')
      throw new Error(
        `${stream} gives no message ${sequence ?? 'at its end'}: ${message.headers?.description ?? message.string()}`,
      );
    return found;
  });
}

async function asOutsider<T>(ground: Ground, use: (bus: BusConnection) => Promise<T>): Promise<T> {
  const nkey_seed = (await ground.secrets()).nkeys[CLI]?.seed;
  const bus = await connectBus({ servers: (await ground.baton.stack()).nats_url, user: CLI, nkey_seed, logger: silent });
  try {
    return await use(bus);
  } finally {
    await bus.close();
  }
}
