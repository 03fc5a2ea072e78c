/** The page that says what is tried is true: it has every fault of the suite, and every test that it names exists. */

const PAGE = 'docs/trust.md';
/** What there is to be tried, whether it is or not. A fault of a higher number adds a row of its own. */
const NUMBERS = 45;

export interface Tests {
  readonly faults: readonly { readonly id: string; readonly broke: string }[];
  /** Of a file of the repository; null where there is none. */
  readonly source: (path: string) => string | null;
}

interface Row {
  readonly number: number;
  readonly tried: string;
  readonly not_tried: string;
}

/** `T1.{a,b}` is `T1.a` and `T1.b`. */
function spelledOut(id: string): readonly string[] {
  const [, before, choices, after] = /^([^{]*)\{([^}]*)\}(.*)$/.exec(id) ?? [];
  if (choices === undefined) return [id];
  return choices.split(',').flatMap((choice) => spelledOut(`${before ?? ''}${choice}${after ?? ''}`));
}

const faultsIn = (text: string): readonly string[] =>
  [...text.matchAll(/`(T\d+(?:\.[^`\s]+)?)`/g)].flatMap(([, id]) => spelledOut(id ?? ''));

const rowsOf = (text: string): readonly Row[] =>
  text
    .split('\n')
    .map((line) => /^\| T(\d+) \| .+? \|(.*)\|(.*)\|$/.exec(line))
    .filter((row) => row !== null)
    .map(([, number, tried, not_tried]) => ({
      number: Number(number),
      tried: tried?.trim() ?? '',
      not_tried: not_tried?.trim() ?? '',
    }));

/** One sentence, with the fix, for each thing that the page says and that is not so, or does not say. */
export function untrueTrustPage(text: string, tests: Tests): readonly string[] {
  const rows = rowsOf(text);
  return [...missingRows(rows, tests), ...untoldFaults(rows, tests), ...unknownTests(text, tests), ...emptyRows(rows)];
}

function missingRows(rows: readonly Row[], { faults }: Tests): readonly string[] {
  const numbers = new Set([...Array(NUMBERS).keys()].map((index) => index + 1));
  for (const { id } of faults) numbers.add(numberOf(id));
  const wrong = [...numbers]
    .toSorted((a, b) => a - b)
    .filter((number) => rows.filter((row) => row.number === number).length !== 1);
  return wrong.map((number) => {
    const of = faults.filter(({ id }) => numberOf(id) === number);
    const row = `| T${number} | ${of[0]?.broke ?? 'what is done'} | ${of.map(({ id }) => `\`${id}\``).join(' ')} | |`;
    return `${PAGE} has to have one row T${number}: ${row}`;
  });
}

function untoldFaults(rows: readonly Row[], { faults }: Tests): readonly string[] {
  return rows.flatMap(({ number, tried }) => {
    const told = faultsIn(tried);
    return faults
      .filter(({ id }) => numberOf(id) === number && !told.includes(id))
      .map(
        ({ id, broke }) => `${PAGE} does not name the fault ${id} (${broke}): add \`${id}\` to "tried by" of its row T${number}`,
      );
  });
}

function unknownTests(text: string, { faults, source }: Tests): readonly string[] {
  const ids = new Set(faults.map(({ id }) => id));
  const gone = faultsIn(text)
    .filter((id) => !ids.has(id))
    .map((id) => `${PAGE} names the fault ${id}, which the suite does not have: take it out, or write its new name`);
  const named = [...text.matchAll(/`([\w./-]+\.spec\.ts)`(?: \(("[^)]*")\))?/g)];
  const lost = named.flatMap(([, path = '', titles = '']) => {
    const code = source(path);
    if (code === null) return [`${PAGE} names ${path}, which does not exist: write where its tests are now`];
    return [...titles.matchAll(/"([^"]+)"/g)]
      .map(([, title = '']) => title)
      .filter((title) => !["'", '"', '`'].some((quote) => code.includes(`${quote}${title}${quote}`)))
      .map((title) => `${PAGE} names a test "${title}", which ${path} does not have: write its new name`);
  });
  return [...gone, ...lost];
}

const emptyRows = (rows: readonly Row[]): readonly string[] =>
  rows
    .filter(({ tried, not_tried }) => tried === '' && not_tried === '')
    .map(({ number }) => `${PAGE}: row T${number} names neither a test nor the reason why there is none`);

const numberOf = (id: string): number => Number(/^T(\d+)/.exec(id)?.[1]);
