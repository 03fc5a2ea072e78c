/** How the bus compares with the log, seen from outside: the same numbers must carry the same events. */
import { CLI, type BusConnection } from '@baton/bus';
import { EVENT_STREAM, type StreamName } from '@baton/contracts';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { withBusAs } from './servers.ts';

const REQUEST_MS_MAX = 5_000;

export interface BusHead {
  readonly first_sequence: number;
  readonly last_sequence: number;
  readonly messages: number;
}

const infoSchema = z.object({
  config: z.object({ num_replicas: z.number() }).optional(),
  state: z.object({ first_seq: z.number(), last_seq: z.number(), messages: z.number() }).optional(),
  error: z.object({ description: z.string() }).optional(),
});

export const withBus = <T>(context: Context, use: (bus: BusConnection) => Promise<T>): Promise<T> => withBusAs(context, CLI, use);

/** Null where the stream does not exist (yet, or any more). */
export async function busHead(bus: BusConnection): Promise<BusHead | null> {
  const { state } = await streamInfo(bus, EVENT_STREAM);
  return state === undefined
    ? null
    : { first_sequence: state.first_seq, last_sequence: state.last_seq, messages: state.messages };
}

/** Copies of it that there are; null where it does not exist. */
export const replicasOf = async (bus: BusConnection, stream: StreamName): Promise<number | null> =>
  (await streamInfo(bus, stream)).config?.num_replicas ?? null;

async function streamInfo(bus: BusConnection, stream: StreamName): Promise<z.infer<typeof infoSchema>> {
  const reply = await bus.connection.request(`$JS.API.STREAM.INFO.${stream}`, undefined, { timeout: REQUEST_MS_MAX });
  return infoSchema.parse(reply.json());
}

export interface BusMessageAt {
  readonly id: string;
  readonly body: string;
}

/** The message at a sequence; null where the stream has none there. */
export async function busMessage(bus: BusConnection, sequence: number): Promise<BusMessageAt | null> {
  const reply = await bus.connection.request(`$JS.API.DIRECT.GET.${EVENT_STREAM}`, JSON.stringify({ seq: sequence }), {
    timeout: REQUEST_MS_MAX,
  });
  const id = reply.headers?.get('ce-id') ?? '';
  return id === '' ? null : { id, body: reply.string() };
}
