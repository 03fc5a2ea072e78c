/** The person who looks after dead letters: discards what is no request, gives everything else back to its consumer. */
import type { DeadLetters, KeptDeadLetter } from '@baton/ports';
import type { MemoryBus, Message } from './memory-bus.ts';

export interface Operator {
  /** A letter was parked. */
  called(): void;
  nextDue(): number | null;
  /** Looks once; false = it is not time. */
  act(): boolean;
}

export interface OperatorOptions {
  readonly deadLetters: DeadLetters;
  readonly bus: MemoryBus;
  readonly now_ms: () => number;
  /** Every message that was ever given out. */
  readonly given: () => readonly Message[];
  readonly tell: (line: () => string) => void;
}

const LOOKS_AFTER_MS = 60_000;
/** As `baton deadletters replay` waits: by then every replica knows that the stream is not parked any more. */
const UNPARKED_KNOWN_AFTER_MS = 3_000;

export function operator({ deadLetters, bus, now_ms, given, tell }: OperatorOptions): Operator {
  let due_ms: number | null = null;
  /** Given back, and not settled since: given back again where the bus has lost it meanwhile. */
  let watched: Message[] = [];

  const messageOf = (letter: KeptDeadLetter): Message | undefined =>
    given().findLast(
      (message) =>
        message.consumer === letter.consumer &&
        (letter.position === null
          ? message.kind === 'inbound' && message.make(0).body === letter.body
          : message.sequence === letter.position),
    );
  function giveBack(message: Message): void {
    const again = bus.repeat(message, UNPARKED_KNOWN_AFTER_MS);
    if (again) watched.push(again);
  }

  async function look(): Promise<void> {
    const letters = await deadLetters.list({ status: 'parked' });
    for (const letter of letters) {
      const message = messageOf(letter);
      const discards = letter.reason === 'invalid' || message === undefined;
      tell(
        () =>
          `operator: ${discards ? 'discards' : 'gives back'} ${letter.consumer} ${letter.stream ?? letter.subject} (${letter.reason})`,
      );
      await deadLetters.settle(letter.id, discards ? 'discarded' : 'replayed');
      if (!discards) giveBack(message);
    }
    const lost = watched.filter(({ state }) => state === 'lost');
    watched = watched.filter(({ state }) => state === 'waiting' || state === 'taken');
    for (const message of lost) giveBack(message);
    if (watched.length > 0 || (await deadLetters.list({ status: 'parked' })).length > 0) due_ms = now_ms() + LOOKS_AFTER_MS;
  }

  return {
    called: () => void (due_ms ??= now_ms() + LOOKS_AFTER_MS),
    nextDue: () => due_ms,
    act() {
      if (due_ms === null || due_ms > now_ms()) return false;
      due_ms = null;
      // Without a stream there is nothing to give back to.
      if (bus.lastSequence() === null) due_ms = now_ms() + LOOKS_AFTER_MS;
      else void look();
      return true;
    },
  };
}
