/** What only an administrator of the bus can do to it: used to do it wrong. */
import { PROVISIONER, connectBus, ensureTopology, type BusConnection, type BusLogger } from '@baton/bus';
import { EVENT_STREAM, type ConsumerName } from '@baton/contracts';
import type { Ground } from './ground.ts';

const silent: BusLogger = { info: () => undefined, warn: () => undefined, error: () => undefined, fatal: () => undefined };
const REQUEST_MS_MAX = 5_000;
const ATTEMPTS_MAX = 10;

export interface Administrator {
  deleteConsumer(name: ConsumerName): Promise<void>;
  /** Everything that the stream holds is delivered to it again. */
  replayAll(name: ConsumerName): Promise<void>;
  /** How many messages a consumer has not settled: those that it was given, and those that it was not. */
  behindOf(name: ConsumerName): Promise<number>;
  /** The consumer is given this as well, from now on. */
  alsoDeliver(name: ConsumerName, subject: string): Promise<void>;
  /** The stream takes no more than it has now, or (null) as much as it did before. */
  limitMessages(limit: 'now' | null): Promise<void>;
}

export const asAdministrator = <T>(ground: Ground, use: (administrator: Administrator) => Promise<T>): Promise<T> =>
  asBusOf(ground, (bus) => use(administrator(bus)));

async function asBusOf<T>(ground: Ground, use: (bus: BusConnection) => Promise<T>): Promise<T> {
  const nkey_seed = (await ground.secrets()).nkeys[PROVISIONER]?.seed;
  const bus = await connectBus({ servers: (await ground.baton.stack()).nats_url, user: PROVISIONER, nkey_seed, logger: silent });
  try {
    return await use(bus);
  } finally {
    await bus.close();
  }
}

/** As before every release: what is there already stays as it is. */
export async function provisionAgain(ground: Ground): Promise<void> {
  await asBusOf(ground, ({ connection }) => ensureTopology(connection, { replicas: 1 }));
}

function administrator({ connection }: BusConnection): Administrator {
  const ask = async <T>(subject: string, body?: object): Promise<T> => {
    const reply = await connection.request(`$JS.API.${subject}`, body === undefined ? undefined : JSON.stringify(body), {
      timeout: REQUEST_MS_MAX,
    });
    const answer = reply.json<T & { error?: { description: string } }>();
    if (answer.error) throw new Error(`${subject}: ${answer.error.description}`);
    return answer;
  };
  const deleteConsumer = async (name: ConsumerName): Promise<void> => void (await ask(`CONSUMER.DELETE.${EVENT_STREAM}.${name}`));
  return {
    deleteConsumer,
    replayAll: async (name) => {
      for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
        await deleteConsumer(name);
        const { created } = await ensureTopology(connection, {
          replicas: 1,
          consumer_start: new Map([[name, 0]]),
          only_missing: true,
        });
        // Otherwise the relay, which looks after what is missing, was faster and made it at its watermark.
        if (created.includes(name)) return;
      }
      throw new Error(`${name} was made by the relay each time`);
    },
    behindOf: async (name) => {
      const { num_pending, num_ack_pending } = await ask<{ num_pending: number; num_ack_pending: number }>(
        `CONSUMER.INFO.${EVENT_STREAM}.${name}`,
      );
      return num_pending + num_ack_pending;
    },
    alsoDeliver: async (name, subject) => {
      const { config } = await ask<{ config: { filter_subjects?: string[] } }>(`CONSUMER.INFO.${EVENT_STREAM}.${name}`);
      await ask(`CONSUMER.DURABLE.CREATE.${EVENT_STREAM}.${name}`, {
        stream_name: EVENT_STREAM,
        action: 'update',
        config: { ...config, filter_subjects: [...(config.filter_subjects ?? []), subject] },
      });
    },
    limitMessages: async (limit) => {
      const { config, state } = await ask<{ config: Record<string, unknown>; state: { messages: number } }>(
        `STREAM.INFO.${EVENT_STREAM}`,
      );
      await ask(`STREAM.UPDATE.${EVENT_STREAM}`, { ...config, max_msgs: limit === 'now' ? state.messages : -1 });
    },
  };
}
