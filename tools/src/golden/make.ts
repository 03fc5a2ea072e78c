// What the corpus lacks: events that are declared and not in it, and histories for states that none of its histories leads to.
import { z } from 'zod';
import { EVENTS, describeEvent, type BatonEvent, type Category } from '@baton/contracts';
import { deciderOf } from '@baton/domain';
import { SAMPLE_COMMANDS } from '../docs/sample-commands.ts';
import { replayed, stateHash, type Corpus, type RecordedEvent, type RecordedHistory, type ReleasedEvent } from './corpus.ts';

const DEPTH_MAX = 7;
const STATES_MAX = 3_000;

/** A JSON Schema as it is kept: of what is written, not of what is read. */
export const schemaOf = (schema: z.ZodType): object => z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });

export function lacking(category: Category, has: Corpus): Corpus {
  const histories = historiesOf(category);
  const samples = new Map(histories.flatMap(({ events }) => events).map((event) => [event.type, event.data]));
  const events = Object.keys(EVENTS[category])
    .map((event): ReleasedEvent => {
      const known = describeEvent(event);
      const data = samples.get(event);
      if (!known || !data) throw new Error(`no sample command leads to ${event}: add one to tools/src/docs/sample-commands.ts`);
      return { event, version: known.version, schema: schemaOf(known.schema), data };
    })
    .filter(({ event, version }) => !has.events.some((one) => one.event === event && one.version === version));
  const names = new Set(has.histories.map(({ history }) => history));
  return { events, histories: histories.filter(({ history }) => !names.has(history)) };
}

interface Way {
  readonly state: unknown;
  readonly events: readonly RecordedEvent[];
}

/** One for each way from a status by a command to other events: the shortest that leads there. Named by the events in it. */
function historiesOf(category: Category): readonly RecordedHistory[] {
  const decider = deciderOf(category);
  const steps = new Set<string>();
  const seen = new Set<string>();
  const histories: RecordedHistory[] = [];
  let frontier: readonly Way[] = [{ state: decider.initial, events: [] }];
  for (let depth = 0; depth < DEPTH_MAX; depth++) {
    const next: Way[] = [];
    for (const { state, events } of frontier) {
      const known = stateHash(state);
      if (seen.has(known) || seen.size >= STATES_MAX) continue;
      seen.add(known);
      for (const command of SAMPLE_COMMANDS[category](state, decider.waitingOn(state)?.key)) {
        const decision = decider.decide(command, state);
        if ('refused' in decision || decision.accepted.length === 0) continue;
        const recorded = [...events, ...(decision.accepted as readonly BatonEvent[]).map(recordedAs)];
        const after = replayed(category, recorded);
        next.push({ state: after, events: recorded });
        const step = [statusOf(state), command.type, ...recorded.slice(events.length).map(({ type }) => type)].join(' ');
        if (steps.has(step)) continue;
        steps.add(step);
        histories.push({ history: step, events: recorded, state: stateHash(after) });
      }
    }
    frontier = next;
  }
  return histories;
}

const statusOf = (state: unknown): string => (state as { status: string }).status;
const recordedAs = ({ type, data }: BatonEvent): RecordedEvent => ({
  type,
  version: describeEvent(type)?.version ?? 0,
  data: JSON.parse(JSON.stringify(data)) as object,
});
