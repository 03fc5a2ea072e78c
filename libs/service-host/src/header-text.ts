/** The text of a header, the same whichever way its sender wrote it. */
import { decodeHeaderText } from '@baton/contracts';
import { problem } from './problem.ts';

/** Trimmed, in the form of Unicode that the inbound schemas use; undefined where it is absent. Throws a 400 problem where it cannot be read. */
export function headerText(name: string, value: string | undefined): string | undefined {
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
