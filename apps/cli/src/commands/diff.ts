/** The change itself, as whoever approves it has to see it: all of it, and nothing in it that acts on the terminal. */
import { contentForPrograms, type ShownContent, type ShownFile } from '@baton/handling';
import type { Context } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { colour, harmless, plural, shortHash, table } from '../format.ts';
import { addressOf, cardId } from '../read/card.ts';
import { reading } from '../read/connect.ts';
import { boundContent, readBound, type BoundContent } from '../read/content.ts';
import { parseAll, resolveMission } from '../read/missions.ts';

export async function diff(context: Context, card: string, options: { readonly stat?: boolean }): Promise<ExitCode> {
  const { out } = context;
  const { prefix, revision } = addressOf(card);
  const { bound, content } = await reading(context, async ({ history, store }) => {
    const mission_id = await resolveMission(history, prefix);
    const found = boundContent(mission_id, parseAll(await history.missionEvents(mission_id)), revision);
    return { bound: found, content: await readBound(store.artifacts, found) };
  });
  if (options.stat !== true) for (const line of diffLines(content)) out.line(line);
  out.line(statOf(bound, content));
  const { mission_id, content_digest, change } = bound;
  out.result({
    card: cardId(bound),
    mission_id,
    revision: bound.revision,
    content_digest,
    diff_artifact: change.artifact,
    ...contentForPrograms(content, options.stat === true ? 0 : undefined),
  });
  return EXIT.ok;
}

/** Every file with what happens to it, and which content that is: the last lines, where they are still seen. */
export function statOf(bound: BoundContent, { files }: ShownContent): string {
  const paths = new Set(files.map(({ path }) => path)).size;
  const [insertions, deletions] = [sum(files, 'insertions'), sum(files, 'deletions')];
  return [
    table(
      ['added', 'removed', 'file', ''],
      files.map((file) => [
        `+${String(file.insertions)}`,
        `−${String(file.deletions)}`,
        harmless(file.path).replaceAll('\t', '<U+0009>'),
        colour.yellow(whatHappens(file).join(', ')),
      ]),
    ),
    `card ${cardId(bound)}: ${plural(paths, 'file')}, +${String(insertions)} −${String(deletions)}, content ${shortHash(bound.content_digest)} (an answer counts for exactly this)`,
  ].join('\n');
}

const sum = (files: readonly ShownFile[], of: 'insertions' | 'deletions'): number =>
  files.reduce((total, file) => total + file[of], 0);

const EXECUTABLE = '100755';
const KINDS: Readonly<Record<string, string>> = { '120000': 'a link', '160000': 'another repository' };

/** What the numbers of lines do not say. */
function whatHappens({ change, old_mode, new_mode, binary }: ShownFile): readonly string[] {
  const kind = KINDS[new_mode ?? old_mode ?? ''];
  return [
    ...(change === 'changed' ? [] : [change === 'added' ? 'new' : 'removed']),
    ...(kind === undefined ? [] : [kind]),
    ...(new_mode === EXECUTABLE && old_mode !== EXECUTABLE ? ['made executable'] : []),
    ...(old_mode === EXECUTABLE && new_mode !== EXECUTABLE && new_mode !== null ? ['executable no more'] : []),
    ...(binary === null ? [] : [binaryText(binary)]),
  ];
}

const binaryText = ({ form, bytes }: NonNullable<ShownFile['binary']>): string =>
  `binary, ${plural(bytes, 'byte')}${form === 'whole' ? '' : ' of differences'}`;

/** A line of content is never at the left edge without its sign, so that none can pass for a line of ours. */
function* diffLines({ files }: ShownContent): Generator<string> {
  for (const { head, body, binary } of files) {
    for (const line of head) yield colour.bold(harmless(line));
    if (binary !== null) yield colour.yellow(`(${binaryText(binary)}: --json has them)`);
    for (const line of body) yield coloured(line[0], harmless(line));
  }
  yield '';
}

function coloured(sign: string | undefined, line: string): string {
  if (sign === '+') return colour.green(line);
  if (sign === '-') return colour.red(line);
  return sign === '@' ? colour.cyan(line) : line;
}
