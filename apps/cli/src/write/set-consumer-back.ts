/** A consumer gets again what comes from a position on, and loses nothing that it had still to handle. */
import { ensureTopology, type BusConnection } from '@baton/bus';
import { EVENT_STREAM, type ConsumerName } from '@baton/contracts';
import type { Watermarks } from '@baton/ports';
import { z } from 'zod';
import { CliProblem, EXIT } from '../exit-codes.ts';
import { replicasOf } from '../read/bus-copy.ts';

const REQUEST_MS_MAX = 5_000;
/** The relay makes what is missing as well, and may be faster. */
const ATTEMPTS_MAX = 5;

export interface SetBack {
  readonly bus: BusConnection;
  /** As the owner of the consumer. */
  readonly watermarks: Pick<Watermarks, 'lower' | 'read'>;
  readonly consumer: ConsumerName;
  readonly position: number;
}

const infoSchema = z.object({ ack_floor: z.object({ stream_seq: z.number() }).optional() });

/**
 * Made again, the only way in which a durable consumer goes back: where it had come to, if that is before the position, as with one
 * that was set back a moment ago, or that has given back what lies before. Resolves to where it goes on.
 */
export async function setConsumerBack({ bus, watermarks, consumer, position }: SetBack): Promise<number> {
  const replicas = (await replicasOf(bus, EVENT_STREAM)) ?? 1;
  let from = position;
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    const handled = (await handledUpTo(bus, consumer)) ?? (await watermarks.read()).get(consumer) ?? 0;
    from = Math.min(from, handled + 1);
    // Before, for whoever makes it meanwhile, or all of the bus; after, because its service may have kept once more how far it was.
    await watermarks.lower(consumer, from - 1);
    await bus.connection.request(api('DELETE', consumer), undefined, { timeout: REQUEST_MS_MAX });
    const { created } = await ensureTopology(bus.connection, {
      replicas,
      consumer_start: new Map([[consumer, from - 1]]),
      only_missing: true,
    });
    await watermarks.lower(consumer, from - 1);
    if (created.includes(consumer)) return from;
  }
  throw new CliProblem(EXIT.unexpected, `${consumer} was made by somebody else each time it was removed`, 'try again');
}

const api = (verb: 'INFO' | 'DELETE', consumer: ConsumerName): string => `$JS.API.CONSUMER.${verb}.${EVENT_STREAM}.${consumer}`;

/** Null where there is no such consumer now. */
async function handledUpTo(bus: BusConnection, consumer: ConsumerName): Promise<number | null> {
  const reply = await bus.connection.request(api('INFO', consumer), undefined, { timeout: REQUEST_MS_MAX });
  return infoSchema.parse(reply.json()).ack_floor?.stream_seq ?? null;
}
