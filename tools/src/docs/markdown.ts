// The few shapes that generated pages are made of.

export const GENERATED = (from: string): string =>
  `<!-- Generated from ${from}. Not edited by hand: \`npm run docs\` writes it, \`npm run verify\` fails when it has drifted. -->`;

const cell = (text: string): string => text.replaceAll('|', String.raw`\|`).replaceAll('\n', ' ');

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)];
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const;

/** `7 d`, `25 h`, `10 s`: in the largest unit that leaves no fraction. */
export function duration(ms: number): string {
  const unit = UNITS.find(([, size]) => ms >= size && ms % size === 0);
  return unit ? `${String(ms / unit[1])} ${unit[0]}` : `${String(ms)} ms`;
}

const BYTE_UNITS = [
  ['GiB', 2 ** 30],
  ['MiB', 2 ** 20],
  ['KiB', 2 ** 10],
] as const;

export function bytes(count: number): string {
  const unit = BYTE_UNITS.find(([, size]) => count >= size && count % size === 0);
  return unit ? `${String(count / unit[1])} ${unit[0]}` : `${String(count)} bytes`;
}

export const code = (text: string): string => `\`${text}\``;
