/** A consumer handles the events from a position on once more, also where the bus does not hold them any more: the log does. */
import { setTimeout as delay } from 'node:timers/promises';
import { TRIM_DECIDED_MS_MAX, ensureTopology, type BusConnection } from '@baton/bus';
import { EVENT_STREAM, type ConsumerName } from '@baton/contracts';
import { CliProblem, EXIT } from '../exit-codes.ts';
import { busHead } from '../read/bus-copy.ts';

const REQUEST_MS_MAX = 10_000;
const ATTEMPTS_MAX = 5;
/** A trim that was decided before the consumer was set back has arrived by then. */
const TRIMMED_MS = 2 * TRIM_DECIDED_MS_MAX;

export interface SetBack {
  readonly consumer: ConsumerName;
  /** The first event that it is to handle again. */
  readonly position: number;
  /** Watermarks, behind which the other consumers go on should the stream have to be made anew. */
  readonly kept: ReadonlyMap<string, number>;
  readonly progress: (text: string) => void;
}

export async function setBack(bus: BusConnection, { consumer, position, kept, progress }: SetBack): Promise<void> {
  const start = new Map(kept).set(consumer, position - 1);
  // Made again behind the position before: the only way in which a durable consumer goes back.
  await untilMade(bus, `CONSUMER.DELETE.${EVENT_STREAM}.${consumer}`, [consumer], { consumer_start: start });
  await delay(TRIMMED_MS);
  const head = await busHead(bus);
  if (head !== null && head.first_sequence <= position) return;
  progress(`the bus begins behind position ${String(position)}: making it anew from there, the relay copies it from the log`);
  await untilMade(bus, `STREAM.DELETE.${EVENT_STREAM}`, [EVENT_STREAM, consumer], {
    consumer_start: start,
    event_stream_first_sequence: position,
  });
}

type Start = Pick<Parameters<typeof ensureTopology>[1], 'consumer_start' | 'event_stream_first_sequence'>;

/** The relay, which looks after what is missing, may be faster and make it at the watermark: then once more. */
async function untilMade(bus: BusConnection, remove: string, makes: readonly string[], start: Start): Promise<void> {
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    await bus.connection.request(`$JS.API.${remove}`, undefined, { timeout: REQUEST_MS_MAX });
    const { created } = await ensureTopology(bus.connection, { replicas: 1, only_missing: true, ...start });
    if (makes.every((name) => created.includes(name))) return;
  }
  throw new CliProblem(EXIT.unexpected, `${makes.join(' and ')} was made by somebody else each time it was removed`, 'try again');
}
