/** A dead letter is given back to its consumer, or put aside for good. Settling is its owner's right: only on the local stack. */
import { setTimeout as delay } from 'node:timers/promises';
import { PROVISIONER, connectBus, publishInbound, type BusConnection, type BusLogger } from '@baton/bus';
import { CONSUMERS, INBOUND, roleOf, type ConsumerName, type InboundName } from '@baton/contracts';
import { openEventStore, type EventStore } from '@baton/event-store';
import type { DeadLetters, KeptDeadLetter } from '@baton/ports';
import { databaseUrl } from '@baton/tools';
import type { Context } from '../context.ts';
import { CliProblem, EXIT } from '../exit-codes.ts';
import { withBus } from '../read/bus-copy.ts';
import { requireSecrets } from '../read/connect.ts';
import { requireStack } from '../stack/home.ts';
import { withinMs } from '../stack/provision.ts';
import { nkeyOf, passwordOf } from '../stack/secrets.ts';
import { setBack } from './set-back.ts';

/** The services look anew which streams are parked every two seconds; before that, what comes back would be parked again. */
const UNPARKED_KNOWN_AFTER_MS = 3_000;
const CONNECT_MS_MAX = 5_000;

/** Ids of what was settled. */
export async function discardLetter(context: Context, letter: KeptDeadLetter): Promise<readonly string[]> {
  await asOwner(context, letter, ({ deadLetters }) => settle(deadLetters, letter, 'discarded'));
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
  const { settled, kept } = await asOwner(context, letter, async ({ deadLetters, watermarks }) => {
    // All of this stream: what queued up behind it comes back with it, and what an interrupted replay has settled already.
    const together = returning(letter, await deadLetters.list({ consumer }));
    for (const other of together) if (other.status === 'parked') await settle(deadLetters, other, 'replayed');
    return { settled: together, kept: await watermarks.read() };
  });
  progress('waiting until every replica knows that the stream is not parked any more');
  await delay(UNPARKED_KNOWN_AFTER_MS);
  const from = Math.min(...settled.map((other) => other.position ?? Infinity));
  progress(`setting ${consumer} back to position ${String(from)}`);
  await asProvisioner(context, (bus) => setBack(bus, { consumer, position: from, kept, progress }));
  return settled.map((other) => other.id);
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
  const body = jsonOf(letter);
  // Published first: whoever dies in between leaves the letter where it is, to be replayed again. That is the same message
  // then: the bus drops it within its window, and after that the request's own key makes it the same one for its owner.
  const { duplicate } = await withBus(context, (bus) => publishInbound(bus.connection, name, body, { id: replayId(letter) }));
  if (duplicate) progress('it was published by an earlier replay that did not settle it; settling it now');
  await asOwner(context, letter, ({ deadLetters }) => settle(deadLetters, letter, 'replayed'));
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

async function asOwner<T>(context: Context, letter: KeptDeadLetter, use: (store: EventStore) => Promise<T>): Promise<T> {
  const role = roleOf(CONSUMERS[consumerOf(letter)].service);
  const url = databaseUrl(requireStack(context.home).postgres_url, {
    user: role,
    password: passwordOf(requireSecrets(context), role),
  });
  const store = openEventStore({ url, application_name: 'baton-cli-deadletters' });
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

async function asProvisioner<T>(context: Context, use: (bus: BusConnection) => Promise<T>): Promise<T> {
  const nkey_seed = nkeyOf(requireSecrets(context), PROVISIONER).seed;
  const servers = requireStack(context.home).nats_url;
  const bus = await withinMs(
    connectBus({ servers, user: PROVISIONER, nkey_seed, logger: silent }),
    CONNECT_MS_MAX,
    `nats-server at ${servers} does not let the provisioner in`,
  );
  try {
    return await use(bus);
  } finally {
    await bus.close();
  }
}

const silent: BusLogger = { info: () => undefined, warn: () => undefined, error: () => undefined, fatal: () => undefined };
