/** A change read out of its patch: every file in it and every line, and not one that is not understood. */

export interface ShownFile {
  readonly path: string;
  readonly change: 'added' | 'removed' | 'changed';
  /** Git's octal modes; null where there is no file, or where the patch does not need one. */
  readonly old_mode: string | null;
  readonly new_mode: string | null;
  readonly insertions: number;
  readonly deletions: number;
  /** Null for text. The bytes are those of the new content, or of what it differs by. */
  readonly binary: { readonly form: 'whole' | 'delta'; readonly bytes: number } | null;
  /** What git says about the file, line by line. */
  readonly head: readonly string[];
  /** Its hunks; of a binary file nothing that could be read. */
  readonly body: readonly string[];
}

export class UnreadableContent extends Error {
  override readonly name = 'UnreadableContent';
}

interface Lines {
  /** Undefined behind the last one. */
  peek(): string | undefined;
  take(): string;
  fault(problem: string): UnreadableContent;
}

const FIRST = 'diff --git ';
export const isPatch = (text: string): boolean => text.startsWith(FIRST);

/** As the git workspaces make it (`DIFF_ARGUMENTS`): no renames, whole names, binary content in full. */
export function readPatch(text: string): readonly ShownFile[] {
  const lines = linesOf(text);
  const files: ShownFile[] = [];
  while (lines.peek() !== undefined) files.push(readFile(lines));
  return files;
}

function linesOf(text: string): Lines {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  let at = 0;
  const fault = (problem: string): UnreadableContent =>
    new UnreadableContent(`line ${String(at + 1)} of the patch ${problem}: it was not made by a git workspace of Baton`);
  return {
    peek: () => lines[at],
    take: () => {
      const line = lines[at];
      if (line === undefined) throw fault('is missing');
      at++;
      return line;
    },
    fault,
  };
}

const MODE = /^(old mode|new mode|new file mode|deleted file mode) ([0-7]{6})$/;
const INDEX = /^index [0-9a-f]{40,64}\.\.[0-9a-f]{40,64}(?: ([0-7]{6}))?$/;

function readFile(lines: Lines): ShownFile {
  const first = lines.take();
  const path = pathOf(first);
  if (path === null) throw lines.fault('does not name one file');
  const head = [first];
  const modes = new Map<string, string>();
  let both: string | null = null;
  for (let line = lines.peek(); line !== undefined; line = lines.peek()) {
    const [, which, mode] = MODE.exec(line) ?? [];
    const index = INDEX.exec(line);
    if (which !== undefined && mode !== undefined) modes.set(which, mode);
    else if (index) both = index[1] ?? null;
    else if (!line.startsWith('--- ') && !line.startsWith('+++ ')) break;
    head.push(lines.take());
  }
  const added = modes.get('new file mode');
  const removed = modes.get('deleted file mode');
  const content = lines.peek() === 'GIT binary patch' ? readBinary(lines) : readHunks(lines);
  return {
    path,
    change: added === undefined ? (removed === undefined ? 'changed' : 'removed') : 'added',
    old_mode: added === undefined ? (removed ?? modes.get('old mode') ?? both) : null,
    new_mode: removed === undefined ? (added ?? modes.get('new mode') ?? both) : null,
    head,
    ...content,
  };
}

type Content = Pick<ShownFile, 'insertions' | 'deletions' | 'binary' | 'body'>;

const HUNK = /^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@/;

/** By the counts of each hunk: what a line of content looks like ends nothing. */
function readHunks(lines: Lines): Content {
  const body: string[] = [];
  let insertions = 0;
  let deletions = 0;
  for (let line = lines.peek(); line !== undefined && !line.startsWith(FIRST); line = lines.peek()) {
    const [hunk, before = '1', after = '1'] = HUNK.exec(line) ?? [];
    if (hunk === undefined) throw lines.fault('is neither the beginning of a hunk nor of a file');
    body.push(lines.take());
    let [before_left, after_left] = [Number(before), Number(after)];
    while (before_left > 0 || after_left > 0 || lines.peek()?.startsWith('\\') === true) {
      const taken = lines.take();
      const sign = taken[0];
      if (sign === '+') insertions++;
      else if (sign === '-') deletions++;
      else if (sign !== ' ' && sign !== '\\') throw lines.fault('belongs to no hunk');
      if (sign === ' ' || sign === '-') before_left--;
      if (sign === ' ' || sign === '+') after_left--;
      body.push(taken);
    }
    if (before_left < 0 || after_left < 0) throw lines.fault('is one more than its hunk has');
  }
  return { insertions, deletions, binary: null, body };
}

const BINARY = /^(literal|delta) (\d+)$/;

/** The new content and the old one, each up to an empty line; only the first says what will be there. */
function readBinary(lines: Lines): Content {
  lines.take();
  let binary: ShownFile['binary'] = null;
  for (let part = BINARY.exec(lines.peek() ?? ''); part; part = BINARY.exec(lines.peek() ?? '')) {
    binary ??= { form: part[1] === 'literal' ? 'whole' : 'delta', bytes: Number(part[2]) };
    while (lines.take() !== '');
  }
  if (binary === null) throw lines.fault('names no binary content');
  return { insertions: 0, deletions: 0, binary, body: [] };
}

/** `diff --git a/P b/P`: without renames both halves are as long, so that no name can be taken for two. */
function pathOf(line: string): string | null {
  if (!line.startsWith(FIRST)) return null;
  const names = line.slice(FIRST.length);
  const half = (names.length - 1) / 2;
  const [before, after] = [unquoted(names.slice(0, half)), unquoted(names.slice(half + 1))];
  if (before?.slice(2) !== after?.slice(2) || names[half] !== ' ') return null;
  return before?.startsWith('a/') === true && after?.startsWith('b/') === true ? before.slice(2) : null;
}

const ESCAPED: Readonly<Record<string, string>> = { a: '\u0007', b: '\b', t: '\t', n: '\n', v: '\v', f: '\f', r: '\r' };

/** A name as git puts it into quotes: like C; a byte that is not ASCII stands in octal or as it is (`core.quotePath`). */
function unquoted(name: string): string | null {
  if (!name.startsWith('"')) return name;
  if (name.length < 2 || !name.endsWith('"')) return null;
  const bytes = Buffer.from(name.slice(1, -1))
    .toString('latin1')
    .replaceAll(/\\(?:([0-7]{3})|(.))/g, (_, octal: string | undefined, escaped: string) =>
      octal === undefined ? (ESCAPED[escaped] ?? escaped) : String.fromCharCode(Number.parseInt(octal, 8)),
    );
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
