/** What a part of Baton can do, and what that is held against. A missed limit is told, not asserted: it says something about a machine too. */

export interface Figure {
  readonly scenario: string;
  readonly figure: number;
  readonly unit: string;
  /** Absent = nothing to hold it against. */
  readonly limit?: number;
  readonly better: 'more' | 'less';
  /** Where the limit comes from; what it was measured on, if it was. */
  readonly limit_is: string;
}

export interface Options {
  /** Also the sizes that take many minutes. */
  readonly large: boolean;
  /** A quarter of the work: for trying out. */
  readonly quick: boolean;
  readonly say: (line: string) => void;
}

export interface Part {
  readonly name: string;
  run(options: Options): Promise<readonly Figure[]>;
}

const QUICK_SHARE = 0.25;
export const sized = (total: number, { quick }: Options): number => (quick ? Math.ceil(total * QUICK_SHARE) : total);

const isMissed = ({ figure, limit, better }: Figure): boolean =>
  limit !== undefined && (better === 'more' ? figure < limit : figure > limit);

/** Three digits say enough of anything that is measured once. */
const written = (figure: number): string =>
  figure.toLocaleString('en-US', figure >= 100 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 3 });

export function table(figures: readonly Figure[]): readonly string[] {
  const rows = figures.map((one) => [
    one.scenario,
    `${written(one.figure)} ${one.unit}`,
    one.limit === undefined
      ? '-'
      : `${one.better === 'more' ? '>=' : '<='} ${written(one.limit)}${isMissed(one) ? ' MISSED' : ''}`,
    one.limit_is,
  ]);
  const head = ['scenario', 'figure', 'limit', 'limit is'];
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join(' | ')
      .trimEnd();
  return [line(head), widths.map((width) => '-'.repeat(width)).join('-|-'), ...rows.map(line)];
}

/** Of an odd number of measurements. */
export const median = (all: readonly number[]): number => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? Number.NaN;

/** How many of something are done in a second. */
export async function perSecond(total: number, run: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await run();
  return (total / (performance.now() - started)) * 1_000;
}

/** Does `one` for each number below `total`, `width` at a time. */
export async function lanes(total: number, width: number, one: (nth: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < total) await one(next++);
  };
  await Promise.all(Array.from({ length: width }, lane));
}
