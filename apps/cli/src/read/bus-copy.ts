/** How the bus compares with the log, seen from outside: the same numbers must carry the same events. */
import { CLI, connectBus, type BusConnection, type BusLogger } from '@baton/bus';
import { EVENT_STREAM } from '@baton/contracts';
import { z } from 'zod';
import { nkeySeed } from '../config.ts';
import type { Context } from '../context.ts';
import { requireStack } from '../stack/home.ts';
import { withinMs } from '../stack/provision.ts';
import { nkeyOf } from '../stack/secrets.ts';
import { requireSecrets } from './connect.ts';

const CONNECT_MS_MAX = 5_000;
const REQUEST_MS_MAX = 5_000;

const silent: BusLogger = { info: () => undefined, warn: () => undefined, error: () => undefined, fatal: () => undefined };

export interface BusHead {
  readonly first_sequence: number;
  readonly last_sequence: number;
  readonly messages: number;
}

const infoSchema = z.object({
  state: z.object({ first_seq: z.number(), last_seq: z.number(), messages: z.number() }).optional(),
  error: z.object({ description: z.string() }).optional(),
});

export async function withBus<T>(context: Context, use: (bus: BusConnection) => Promise<T>): Promise<T> {
  const bus = await openBus(context);
  try {
    return await use(bus);
  } finally {
    await bus.close();
  }
}

function openBus(context: Context): Promise<BusConnection> {
  const { config } = context;
  const servers = config.BATON_NATS_URL ?? requireStack(context.home).nats_url;
  const nkey_seed = config.BATON_NATS_URL === undefined ? nkeyOf(requireSecrets(context), CLI).seed : nkeySeed(config);
  return withinMs(
    connectBus({ servers, user: CLI, nkey_seed, logger: silent }),
    CONNECT_MS_MAX,
    `nats-server at ${servers} does not let us in`,
  );
}

/** Null where the stream does not exist (yet, or any more). */
export async function busHead(bus: BusConnection): Promise<BusHead | null> {
  const reply = await bus.connection.request(`$JS.API.STREAM.INFO.${EVENT_STREAM}`, undefined, { timeout: REQUEST_MS_MAX });
  const { state } = infoSchema.parse(reply.json());
  return state === undefined
    ? null
    : { first_sequence: state.first_seq, last_sequence: state.last_seq, messages: state.messages };
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
