/**
 * What has to be so after every fault, once it is healed. The log and its copy are checked by `baton verify`, which is what
 * auditors run; the rest is read from the log itself and from the bus.
 */
import type { EventRecord, EventType } from '@baton/contracts';
import { eventually } from '@baton/tools';
import { z } from 'zod';
import { unapproved, unrecordedAnswers } from './approved.ts';
import { differences, foldedBy, foldOf } from './folded.ts';
import type { Ground } from './ground.ts';
import { ENDS_WITHIN_MS } from './missions.ts';
import { attemptsOutside, landings, recordedTwice } from './once.ts';

const QUIET_WITHIN_MS = 30_000;
const NAMED_MAX = 3;

export interface Findings {
  readonly missions: number;
  /** Acknowledged and not in the log, or not brought to its end. */
  readonly lost: number;
  /** Facts, effects or landings that are not there exactly once. */
  readonly twice: number;
  readonly dead_letters: number;
}

export interface Expected {
  readonly dead_letters?: number;
  /** How long everything may take to come to its end. */
  readonly within_ms?: number;
}

/** Throws with every invariant that does not hold. */
export async function assertInvariants(ground: Ground, expected: Expected = {}): Promise<Findings> {
  const { missions, baton } = ground;
  const { ledger, acknowledged } = missions;
  const broken: string[] = [];
  await missions
    .ended(undefined, expected.within_ms ?? ENDS_WITHIN_MS)
    .catch((error: Error) => broken.push(`I6: ${error.message}`));
  await ledger.refresh();

  const accepted = new Set(ofType(ledger.events, 'MissionAccepted').map(missionOf));
  const lost = [...acknowledged].filter((id) => !accepted.has(id) || ledger.ended.get(id) !== 'MissionCompleted');
  if (lost.length > 0)
    broken.push(
      `I1: ${lost.length} acknowledged missions are not completed, such as ${lost[0]}: ${told(ledger.events, lost[0])}`,
    );

  broken.push(...unrecordedAnswers(ledger.events, missions.people.answered).map((one) => `I1: ${one}`));
  const twice = await notOnce(ground);
  if (twice.length > 0) broken.push(`I8: ${twice.length} times not once: ${twice.slice(0, NAMED_MAX).join('; ')}`);
  broken.push(...[...missions.people.wrong, ...unapproved(ledger.events)].map((one) => `I7: ${one}`));

  // I2, I3, and that the bus carries the same under the same numbers.
  await eventually(
    async () => {
      const { exit, answer } = await baton.json<{ bus: { behind: number } | null }>('verify');
      if (exit !== 0 || answer.bus?.behind !== 0) throw new Error(JSON.stringify(answer));
      return true;
    },
    { within_ms: QUIET_WITHIN_MS, what: 'baton verify is clean' },
  ).catch((error: Error) => broken.push(`I2, I3: ${error.message}`));
  await nothingPending(ground).catch((error: Error) => broken.push(`I4: ${error.message}`));
  await foldIsRight(ground).catch((error: Error) => broken.push(`I5: ${error.message}`));

  const { length: dead_letters } = await ledger.letters();
  if (dead_letters !== (expected.dead_letters ?? 0))
    broken.push(`${dead_letters} dead letters, ${expected.dead_letters ?? 0} were expected`);
  if (broken.length > 0) throw new Error(broken.join('\n'));
  return { missions: acknowledged.size, lost: lost.length, twice: twice.length, dead_letters };
}

const ofType = (events: readonly EventRecord[], type: EventType): readonly EventRecord[] =>
  events.filter((event) => event.type === type);
const missionOf = (event: EventRecord): string => (event.data as { mission_id: string }).mission_id;
const told = (events: readonly EventRecord[], id: string | undefined): string =>
  events
    .filter((event) => missionOf(event) === id)
    .map(({ type }) => type)
    .join(' ') || 'the log has nothing of it';

async function notOnce({ missions }: Ground): Promise<readonly string[]> {
  const { ledger, effects, forgotten } = missions;
  const outside = {
    effects: effects.lines(),
    counter: effects.counter,
    landed: await missions.landedCommits(),
    forgotten,
  };
  return [...recordedTwice(ledger.events), ...attemptsOutside(ledger.events, outside), ...landings(ledger.events, outside)];
}

const consumerSchema = z.object({ name: z.string(), num_pending: z.number(), num_ack_pending: z.number() });
const jszSchema = z.object({
  account_details: z.array(
    z.object({
      stream_detail: z.array(z.object({ name: z.string(), consumer_detail: z.array(consumerSchema).nullish() })).nullish(),
    }),
  ),
});

/** Every consumer has been given everything and has settled it. */
async function nothingPending({ baton }: Ground): Promise<void> {
  const { nats_monitor_url } = await baton.stack();
  await eventually(
    async () => {
      const response = await fetch(`${nats_monitor_url}/jsz?accounts=true&streams=true&consumers=true`);
      const { account_details } = jszSchema.parse(await response.json());
      const consumers = account_details
        .flatMap(({ stream_detail }) => stream_detail ?? [])
        .flatMap(({ consumer_detail }) => consumer_detail ?? []);
      const behind = consumers.filter((one) => one.num_pending > 0 || one.num_ack_pending > 0);
      if (consumers.length === 0) throw new Error('there are no consumers');
      if (behind.length > 0)
        throw new Error(
          behind.map((one) => `${one.name}: ${one.num_pending} pending, ${one.num_ack_pending} unsettled`).join(', '),
        );
      return true;
    },
    { within_ms: QUIET_WITHIN_MS, what: 'every consumer has settled everything' },
  );
}

/** What the metrics service has folded is what the log says. */
const foldIsRight = (ground: Ground): Promise<unknown> =>
  eventually(
    async () => {
      await ground.missions.ledger.refresh();
      const differs = differences(await foldedBy(ground.baton), await foldOf(ground.missions.ledger.events));
      if (differs.length > 0) throw new Error(`${differs.length} lines differ: ${differs.slice(0, NAMED_MAX).join('; ')}`);
      return true;
    },
    { within_ms: QUIET_WITHIN_MS, what: 'the folded numbers are those of the log' },
  );
