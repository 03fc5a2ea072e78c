// What a decider can do, found by doing it: every sample command is decided in every state that the commands before led to.
import { describeEvent, type BatonEvent, type Category } from '@baton/contracts';
import { deciderOf, type AnyDecider, type Waiting } from '@baton/domain';
import { SAMPLE_COMMANDS, type Commands } from './sample-commands.ts';

/** Commands in a row; every state is reached in far fewer. */
const DEPTH_MAX = 7;
const STATES_MAX = 3_000;

export interface Step {
  readonly from: string;
  readonly command: string;
  readonly events: readonly BatonEvent[];
  /** Status after each of the events. */
  readonly through: readonly string[];
  readonly to: string;
}

export interface Explored {
  readonly category: Category;
  readonly steps: readonly Step[];
  readonly refusals: readonly { readonly status: string; readonly command: string; readonly reason: string }[];
  /** Statuses in which a stream can rest, in the order in which they were found, with the first wait seen in each. */
  readonly resting: ReadonlyMap<string, Waiting | null>;
  readonly events: readonly BatonEvent[];
}

type Status = { readonly status: string };
const statusOf = (state: unknown): string => (state as Status).status;

/** Explores one decider. Throws where an event of the category never happens or does not fit its schema: then a command is missing. */
export function explore(
  category: Category,
  declared: readonly string[],
  commands: Commands = SAMPLE_COMMANDS[category],
): Explored {
  const decider = deciderOf(category);
  const explored = {
    category,
    steps: [] as Step[],
    refusals: [] as Explored['refusals'][number][],
    resting: new Map<string, Waiting | null>(),
    events: [] as BatonEvent[],
  };
  const seen = new Set<string>();
  let frontier: unknown[] = [decider.initial];
  for (let depth = 0; depth < DEPTH_MAX && frontier.length > 0; depth++) {
    const next: unknown[] = [];
    for (const state of frontier) {
      const text = textOf(state);
      if (seen.has(text) || seen.size >= STATES_MAX) continue;
      seen.add(text);
      const waiting = decider.waitingOn(state);
      if (!explored.resting.has(statusOf(state))) explored.resting.set(statusOf(state), waiting);
      for (const command of commands(state, waiting?.key)) next.push(...tryOne(decider, state, command, explored));
    }
    frontier = next;
  }
  const happened = new Set(explored.events.map((event) => event.type as string));
  const missing = declared.filter((type) => !happened.has(type));
  if (missing.length > 0) {
    throw new Error(
      `no sample command leads to ${missing.join(', ')} of ${category}: add one to tools/src/docs/sample-commands.ts`,
    );
  }
  return explored;
}

function tryOne(
  decider: AnyDecider,
  state: unknown,
  command: { readonly type: string },
  explored: { steps: Step[]; refusals: Explored['refusals'][number][]; events: BatonEvent[] },
): unknown[] {
  const decision = decider.decide(command, state);
  const from = statusOf(state);
  if ('refused' in decision) {
    explored.refusals.push({ status: from, command: command.type, reason: decision.refused });
    return [];
  }
  const events = decision.accepted as readonly BatonEvent[];
  if (events.length === 0) return [];
  let after = state;
  const through = events.map((event) => {
    describeEvent(event.type)?.schema.parse(event.data);
    after = decider.evolve(after, event);
    return statusOf(after);
  });
  explored.steps.push({ from, command: command.type, events, through, to: statusOf(after) });
  explored.events.push(...events);
  return [after];
}

/** Sets and Maps are part of a state like any other value. */
const textOf = (state: unknown): string =>
  JSON.stringify(state, (_key, value: unknown) => (value instanceof Set || value instanceof Map ? [...value] : value));
