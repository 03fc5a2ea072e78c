/**
 * Specs of deciders as sentences: given what happened, when this is asked, then that happens. Whatever is decided is also
 * held against its schema and written and read once, so that no spec passes with an event that nobody could read back.
 */
import { canonicalJson, parseData, type BatonEvent } from '@baton/contracts';
import type { Decider } from './decider.ts';

type Expected<E extends BatonEvent> = E | E['type'];

export interface When<S, C, E extends BatonEvent> {
  /** Decides; the events of the answer become part of what is given for the next `when`. */
  when(command: C): Then<S, C, E>;
  readonly state: S;
}

export interface Then<S, C, E extends BatonEvent> extends When<S, C, E> {
  readonly events: readonly E[];
  /** Exactly these events, in this order; a bare type stands for an event of that type. */
  thenHappens(...expected: readonly Expected<E>[]): Then<S, C, E>;
  /** It was so already. */
  thenNothing(): Then<S, C, E>;
  thenRefused(reason: string): Then<S, C, E>;
  /** What the state waits for is named so; null = it waits for nothing. */
  thenWaits(key: string | null): Then<S, C, E>;
}

export interface Scenario<S, C, E extends BatonEvent> {
  given(...events: readonly E[]): When<S, C, E>;
  from(state: S): When<S, C, E>;
}

const shown = (value: unknown): string => canonicalJson(value);
const reread = <E extends BatonEvent>(event: E): E => parseData(event.type, 1, JSON.stringify(event.data)) as E;

function check(holds: boolean, expected: string, actual: string): void {
  if (!holds) throw new Error(`expected ${expected}\n but was ${actual}`);
}

export function scenario<S, C, E extends BatonEvent>(decider: Decider<S, C, E>): Scenario<S, C, E> {
  const fold = (state: S, events: readonly E[]): S => events.reduce((before, event) => decider.evolve(before, event), state);

  function after(state: S): When<S, C, E> {
    return { state, when: (command) => decided(state, command) };
  }

  function decided(before: S, command: C): Then<S, C, E> {
    const decision = decider.decide(command, before);
    const refused = 'refused' in decision ? decision.refused : null;
    const events = 'refused' in decision ? [] : decision.accepted;
    const stored = events.map(reread);
    check(shown(stored) === shown(events), `events that are read as they were written: ${shown(events)}`, shown(stored));
    const state = fold(before, stored);
    const actual = refused === null ? shown(events) : `refused: ${refused}`;
    const then: Then<S, C, E> = {
      ...after(state),
      events,
      thenHappens(...expected) {
        const fits = (event: E, wanted: Expected<E>): boolean =>
          typeof wanted === 'string' ? event.type === wanted : shown(event) === shown(wanted);
        check(
          refused === null && events.length === expected.length && events.every((event, index) => fits(event, expected[index]!)),
          shown(expected),
          actual,
        );
        return then;
      },
      thenNothing() {
        check(refused === null && events.length === 0, 'nothing', actual);
        return then;
      },
      thenRefused(reason) {
        check(refused === reason, `refused: ${reason}`, actual);
        return then;
      },
      thenWaits(key) {
        const waiting = decider.waitingOn(state)?.key ?? null;
        check(waiting === key, `to wait for ${key}`, `${waiting} (after ${actual})`);
        return then;
      },
    };
    return then;
  }

  return { given: (...events) => after(fold(decider.initial, events)), from: after };
}
