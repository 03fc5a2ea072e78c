// docs/adr/README.md: one line per decision, read from the head of each. A head that does not fit stops the generator.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { GENERATED, table } from './markdown.ts';

export interface Adr {
  readonly number: string;
  readonly file: string;
  readonly title: string;
  readonly status: string;
  readonly date: string;
  readonly decision: string;
}

const FILE = /^(\d{4})-[a-z0-9-]+\.md$/;
const STATUSES = ['accepted', 'superseded'];
const SECTIONS = ['Context', 'Choice', 'Cost'];

export function readAdrs(directory: string): readonly Adr[] {
  const files = readdirSync(directory)
    .filter((file) => file.endsWith('.md') && file !== 'README.md')
    .toSorted();
  const adrs = files.map((file) => adrOf(file, readFileSync(join(directory, file), 'utf8')));
  adrs.forEach(({ number, file }, index) => {
    const expected = String(index + 1).padStart(4, '0');
    if (number !== expected)
      throw new Error(`docs/adr/${file} has number ${number}, the next is ${expected}: numbers have no gaps and are given once`);
  });
  return adrs;
}

export function adrOf(file: string, text: string): Adr {
  const where = `docs/adr/${file}`;
  const number = FILE.exec(file)?.[1];
  if (number === undefined) throw new Error(`${where} is not called NNNN-title-in-lower-case.md`);
  const lines = text.split('\n');
  const title = new RegExp(`^# ${number} (.+)$`).exec(lines[0] ?? '')?.[1];
  if (title === undefined) throw new Error(`${where} has to begin with "# ${number} <title>"`);
  const field = (name: string): string => {
    const value = lines.map((line) => new RegExp(`^- ${name}: (.+)$`).exec(line)?.[1]).find((found) => found !== undefined);
    if (value === undefined) throw new Error(`${where} has no line "- ${name}: …" in its head`);
    return value;
  };
  const missing = SECTIONS.filter((section) => !lines.includes(`## ${section}`));
  if (missing.length > 0) throw new Error(`${where} has no section ${missing.map((section) => `"## ${section}"`).join(', ')}`);
  const status = field('Status');
  if (!STATUSES.some((known) => status === known || status.startsWith(`${known} by `)))
    throw new Error(`${where}: status "${status}" is not one of ${STATUSES.join(', ')}`);
  return { number, file, title, status, date: field('Date'), decision: field('Decision') };
}

export const adrIndex = (adrs: readonly Adr[]): string =>
  [
    '# Decisions',
    '',
    GENERATED('the head of each file in this folder'),
    '',
    'A decision is written down when the next person would ask why it was not done the other way: one page with context, choice and',
    'cost. A new one gets the next number; one that no longer holds stays, with the status `superseded by NNNN`.',
    '',
    ...table(
      ['', 'decision', 'in one sentence', 'status', 'since'],
      adrs.map(({ number, file, title, decision, status, date }) => [`[${number}](${file})`, title, decision, status, date]),
    ),
    '',
  ].join('\n');
