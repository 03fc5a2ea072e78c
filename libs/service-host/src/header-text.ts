/** The text of a header, the same at every edge and whichever way its sender wrote it; what is wrong with one is told by its name. */
import { decodeHeaderText, PERSON_CHARS_MAX } from '@baton/contracts';
import { problem } from './problem.ts';

type SentHeaders = Readonly<Record<string, string | undefined>>;

interface Needed {
  readonly name: string;
  readonly chars_max: number;
  /** What to send. */
  readonly fix: string;
}

/** Who asks. */
export const actorOf = (headers: SentHeaders): string =>
  neededHeader(headers, {
    name: 'Baton-Actor',
    chars_max: PERSON_CHARS_MAX,
    fix: 'say who asks, such as Baton-Actor: ada@example.org',
  });

/** Throws a 400 problem where it is missing, empty, too long or cannot be read. */
export function neededHeader(headers: SentHeaders, { name, chars_max, fix }: Needed): string {
  const text = headerText(name, headers[name.toLowerCase()]) ?? '';
  if (text !== '' && text.length <= chars_max) return text;
  throw problem({
    status: 400,
    type: 'missing-header',
    detail: `header ${name} is ${text === '' ? 'missing' : `longer than ${String(chars_max)} characters`}`,
    faults: [{ field: name, problem: 'is not usable', fix }],
  });
}

/** Trimmed, in the form of Unicode that the inbound schemas use; undefined where it is absent. Throws a 400 problem where it cannot be read. */
function headerText(name: string, value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const text = decodeHeaderText(value);
  if (text !== null) return text.trim().normalize('NFC');
  throw problem({
    status: 400,
    type: 'header-encoding',
    detail: `header ${name} is neither ASCII nor UTF-8, or has control characters in it`,
    faults: [
      {
        field: name,
        problem: 'cannot be read',
        fix: "send ASCII as it is, and any other text as UTF-8'' and its percent-encoded UTF-8, such as UTF-8''Jos%C3%A9",
      },
    ],
  });
}
