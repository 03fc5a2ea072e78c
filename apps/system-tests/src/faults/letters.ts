/** What became of messages that nobody can handle: each is a letter with its cause, and is settled the way an operator does it. */
import type { KeptDeadLetter } from '@baton/ports';
import { eventually } from '@baton/tools';
import type { Ground } from './ground.ts';

const PARKED_WITHIN_MS = 30_000;

export interface ExpectedLetter {
  readonly reason: KeptDeadLetter['reason'];
  /** As it was sent. */
  readonly body: string;
  /** Part of what it says of the cause. */
  readonly says: string;
  readonly consumer: string;
  /** Some of the headers that it came with. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Exactly these, and nothing else is parked. */
export async function parked(
  { missions }: Ground,
  expected: readonly ExpectedLetter[],
  within_ms = PARKED_WITHIN_MS,
): Promise<readonly KeptDeadLetter[]> {
  return eventually(
    async () => {
      const letters = await missions.ledger.letters();
      const left = [...letters];
      for (const one of expected) {
        const at = left.findIndex((letter) => isAs(letter, one));
        if (at < 0)
          throw new Error(
            `no letter ${one.reason} of ${one.consumer} says "${one.says}" with the body ${short(one.body)}; there are: ${listed(letters)}`,
          );
        left.splice(at, 1);
      }
      if (left.length > 0) throw new Error(`nobody expected ${listed(left)}`);
      return letters;
    },
    { within_ms, what: `${expected.length} letters are parked` },
  );
}

const isAs = (letter: KeptDeadLetter, { reason, body, says, consumer, headers = {} }: ExpectedLetter): boolean =>
  letter.reason === reason &&
  letter.consumer === consumer &&
  letter.body === body &&
  letter.cause.includes(says) &&
  Object.entries(headers).every(([name, value]) => letter.headers[name] === value);

const listed = (letters: readonly KeptDeadLetter[]): string =>
  letters
    .map(({ reason, consumer, body, cause }) => `${reason} of ${consumer} (${cause.slice(0, 200)}): ${short(body)}`)
    .join('; ') || 'none';
const short = (text: string): string => JSON.stringify(text.slice(0, 80));

export async function settle({ baton }: Ground, letters: readonly KeptDeadLetter[], how: 'replay' | 'discard'): Promise<void> {
  for (const { id } of letters) {
    const { exit, stderr } = await baton.run('deadletters', how, id);
    if (exit !== 0) throw new Error(`baton deadletters ${how} ${id} ended with ${exit}: ${stderr}`);
  }
}
