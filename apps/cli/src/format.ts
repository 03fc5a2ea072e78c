/** Plain text that lines up: durations, tables, shortened ids. */
import { printable } from '@baton/contracts';
import pico from 'picocolors';

/** Colours as picocolors decides it: off without a terminal and with NO_COLOR. */
export const colour = pico;

const ESCAPES = /\u001B\[[0-9;]*m/g;
export const plainLength = (text: string): number => text.replaceAll(ESCAPES, '').length;

/** Text from outside (titles, agents' output, changes), harmless on a terminal. */
export const harmless = printable;
/** The same on one line. */
export const oneLine = (text: string, chars_max = 200): string => {
  const line = harmless(text.replaceAll(/\s+/g, ' ').trim());
  return line.length > chars_max ? `${line.slice(0, chars_max - 1)}…` : line;
};

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** `0.42 s`, `12.3 s`, `4 m 05 s`, `3 h 20 m`, `2 d 4 h`. */
export function duration(ms: number): string {
  if (ms < 0) return `-${duration(-ms)}`;
  if (ms < 10 * SECOND_MS) return `${(ms / SECOND_MS).toFixed(2)} s`;
  if (ms < MINUTE_MS) return `${(ms / SECOND_MS).toFixed(1)} s`;
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  if (ms < HOUR_MS) return `${String(Math.floor(ms / MINUTE_MS))} m ${two((ms % MINUTE_MS) / SECOND_MS)} s`;
  if (ms < DAY_MS) return `${String(Math.floor(ms / HOUR_MS))} h ${two((ms % HOUR_MS) / MINUTE_MS)} m`;
  return `${String(Math.floor(ms / DAY_MS))} d ${String(Math.floor((ms % DAY_MS) / HOUR_MS))} h`;
}

/** Columns as wide as their widest cell; the last one runs free. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(plainLength(title), ...rows.map((row) => plainLength(row[column] ?? ''))));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) =>
        column === cells.length - 1 ? cell : cell + ' '.repeat(Math.max(0, (widths[column] ?? 0) - plainLength(cell))),
      )
      .join('  ')
      .trimEnd();
  return [colour.dim(line(head)), ...rows.map(line)].join('\n');
}

/** The first block of a uuid is what people read out; commands take any unique beginning. */
const SHORT_ID_CHARS = 8;
export const shortId = (id: string): string => id.slice(0, SHORT_ID_CHARS);
/** With fewer characters a slip of the finger would change what is somebody else's. */
export const ID_CHARS_MIN_TO_CHANGE = 4;
export const shortHash = (hash: string): string => hash.replace('sha256:', '').slice(0, 12);

export const plural = (count: number, one: string, many = `${one}s`): string => `${String(count)} ${count === 1 ? one : many}`;

/** The text with every line after the first one indented. */
export const indent = (text: string, by: number): string => text.replaceAll('\n', `\n${' '.repeat(by)}`);
