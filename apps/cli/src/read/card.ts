/** A decision card by its name, and what it says of the size of its change. */
import type { Card } from '@baton/contracts';
import { CARD_FILES_MAX } from '@baton/domain';
import { CliProblem, EXIT } from '../exit-codes.ts';
import { plural, shortId } from '../format.ts';

export const cardId = ({ mission_id, revision }: { readonly mission_id: string; readonly revision: number }): string =>
  `${shortId(mission_id)}.${String(revision)}`;

/** `<beginning of the mission id>.<revision>`, or without a revision. */
export function addressOf(card: string): { readonly prefix: string; readonly revision: number | undefined } {
  const [, prefix = '', revision] = /^([0-9a-f-]+)(?:\.(\d+))?$/i.exec(card) ?? [];
  if (prefix === '')
    throw new CliProblem(EXIT.invalid, `"${card}" is no card id`, 'see `baton approvals`; an id looks like 1f3a9c02.1');
  return { prefix, revision: revision === undefined ? undefined : Number(revision) };
}

type Files = Pick<Card, 'files' | 'files_total' | 'insertions' | 'deletions'>;

/** Cards used to name the first 50 files and not say that there were more. */
const mayHaveMore = ({ files, files_total }: Files): boolean => files_total === undefined && files.length >= CARD_FILES_MAX;

export const changeOf = (card: Files): string =>
  `${plural(card.files_total ?? card.files.length, 'file')}${mayHaveMore(card) ? ' or more' : ''}, +${String(card.insertions)} −${String(card.deletions)}`;

/** The line below the files that a card names: null where it names all. */
export function moreFiles(card: Files): string | null {
  if (mayHaveMore(card)) return '… and perhaps more: this card does not say';
  const more = (card.files_total ?? 0) - card.files.length;
  return more > 0 ? `… and ${String(more)} more` : null;
}
