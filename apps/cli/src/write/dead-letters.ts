/** A dead letter is given back to its consumer, or put aside for good. Settling is its owner's right: it is done with that role. */
import { setTimeout as delay } from 'node:timers/promises';
import { PROVISIONER, TRIM_DECIDED_MS_MAX, publishInbound, type BusConnection } from '@baton/bus';
import { CONSUMERS, INBOUND, inboundType, isOtherVersion, roleOf, type ConsumerName, type InboundName } from '@baton/contracts';
import { openEventStore, type EventStore } from '@baton/event-store';
import type { DeadLetters, KeptDeadLetter } from '@baton/ports';
import type { Context } from '../context.ts';
import { CliProblem, EXIT } from '../exit-codes.ts';
import { busHead, withBus } from '../read/bus-copy.ts';
import { logUrl, withBusAs } from '../read/servers.ts';
import { setConsumerBack } from './set-consumer-back.ts';

/** The services look anew which streams are parked every two seconds; before that, what comes back would be parked again. */
const UNPARKED_KNOWN_AFTER_MS = 3_000;
/** A trim of the bus that was decided before the consumer was set back has arrived by then. */
const TRIMMED_MS = 2 * TRIM_DECIDED_MS_MAX;

/** Ids of what was settled. */
export async function discardLetter(context: Context, letter: KeptDeadLetter): Promise<readonly string[]> {
  await asOwner(context, consumerOf(letter), ({ deadLetters }) => settle(deadLetters, letter, 'discarded'));
  return [letter.id];
}

/**
 * A request from outside is published again. An event lies behind its consumer already: the consumer goes back to it,
 * and to all that came after, of which handling again changes nothing. So a replay that was interrupted after it settled the
 * letters is simply done again.
 */
export async function replayLetter(
  context: Context,
  letter: KeptDeadLetter,
  progress: (text: string) => void,
): Promise<readonly string[]> {
  const consumer = consumerOf(letter);
  if (letter.reason === 'forged-event')
    throw new CliProblem(
      EXIT.refused,
      'the log does not hold this event, so nothing may ever answer it',
      `see deploy/runbooks/forged-event.md; put the letter aside with baton deadletters discard ${letter.id}`,
    );
  if (letter.position === null) return replayRequest(context, letter, progress);
  // Both are there before anything is settled.
  return withBusAs(context, PROVISIONER, (bus) =>
    asOwner(context, consumer, (store) => replayEvent({ letter, consumer, store, bus, progress })),
  );
}

interface Replay {
  readonly letter: KeptDeadLetter;
  readonly consumer: ConsumerName;
  readonly store: EventStore;
  readonly bus: BusConnection;
  readonly progress: (text: string) => void;
}

async function replayEvent({ letter, consumer, store, bus, progress }: Replay): Promise<readonly string[]> {
  const { deadLetters: letters, watermarks } = store;
  // All of this stream: what queued up behind it comes back with it, and what an interrupted replay has settled already.
  const together = returning(letter, await letters.list({ consumer }));
  const position = Math.min(...together.map((other) => other.position ?? Infinity));
  await requireOnBus(bus, position);
  for (const other of together) if (other.status === 'parked') await settle(letters, other, 'replayed');
  progress('waiting until every replica knows that the stream is not parked any more');
  await delay(UNPARKED_KNOWN_AFTER_MS);
  const from = await setConsumerBack({ bus, watermarks, consumer, position });
  await delay(TRIMMED_MS);
  await requireOnBus(bus, from);
  progress(`${consumer} goes on from position ${String(from)}`);
  return together.map((other) => other.id);
}

/** A consumer is given what the stream holds, and says nothing of what it does not hold any more. */
async function requireOnBus(bus: BusConnection, position: number): Promise<void> {
  const first = (await busHead(bus))?.first_sequence ?? Infinity;
  if (first <= position) return;
  throw new CliProblem(
    EXIT.refused,
    `the event is at position ${String(position)}, and the bus carries ${first === Infinity ? 'nothing' : `only what comes from ${String(first)} on`}`,
    `\`baton rebuild bus --from ${String(position)}\` copies it again from the log; then replay it`,
  );
}

/** What comes back with a letter: all of its consumer and stream that nobody has discarded. */
export const returning = (letter: KeptDeadLetter, all: readonly KeptDeadLetter[]): readonly KeptDeadLetter[] =>
  all.filter(
    ({ id, stream, status }) => id === letter.id || (stream !== null && stream === letter.stream && status !== 'discarded'),
  );

/** Of the letter as it was parked: one that came back and was parked again is another message. */
export const replayId = ({ id, parked_at }: Pick<KeptDeadLetter, 'id' | 'parked_at'>): string => `replay-${id}-${parked_at}`;

async function replayRequest(
  context: Context,
  letter: KeptDeadLetter,
  progress: (text: string) => void,
): Promise<readonly string[]> {
  const name = (Object.keys(INBOUND) as InboundName[]).find((known) => INBOUND[known].subject === letter.subject);
  if (name === undefined)
    throw new CliProblem(EXIT.refused, `nobody takes ${letter.subject}`, `discard it: baton deadletters discard ${letter.id}`);
  const type = letter.headers['ce-type'];
  if (isOtherVersion(name, type))
    throw new CliProblem(
      EXIT.refused,
      `it is ${type ?? ''}, and this release takes ${inboundType(name)}: it may mean something else by the same fields`,
      'replay it after the upgrade',
    );
  const body = jsonOf(letter);
  // Published first: whoever dies in between leaves the letter where it is, to be replayed again. That is the same message
  // then: the bus drops it within its window, and after that the request's own key makes it the same one for its owner.
  const { duplicate } = await withBus(context, (bus) => publishInbound(bus.connection, name, body, { id: replayId(letter) }));
  if (duplicate) progress('it was published by an earlier replay that did not settle it; settling it now');
  await asOwner(context, consumerOf(letter), ({ deadLetters }) => settle(deadLetters, letter, 'replayed'));
  return [letter.id];
}

function jsonOf(letter: KeptDeadLetter): unknown {
  try {
    return JSON.parse(letter.body);
  } catch (cause) {
    throw new CliProblem(
      EXIT.refused,
      `its body is not JSON and never will be: ${(cause as Error).message}`,
      `discard it: baton deadletters discard ${letter.id}`,
      { cause },
    );
  }
}

async function settle(letters: DeadLetters, letter: KeptDeadLetter, status: 'replayed' | 'discarded'): Promise<void> {
  if (!(await letters.settle(letter.id, status)))
    throw new CliProblem(EXIT.refused, `dead letter ${letter.id} was settled by somebody else meanwhile`);
}

function consumerOf(letter: KeptDeadLetter): ConsumerName {
  if (letter.consumer in CONSUMERS) return letter.consumer as ConsumerName;
  throw new CliProblem(
    EXIT.refused,
    `there is no consumer ${letter.consumer} in this release`,
    `discard it: baton deadletters discard ${letter.id}`,
  );
}

async function asOwner<T>(context: Context, consumer: ConsumerName, use: (store: EventStore) => Promise<T>): Promise<T> {
  const url = logUrl(context, roleOf(CONSUMERS[consumer].service));
  const store = openEventStore({ url, application_name: 'baton-cli-deadletters' });
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}
