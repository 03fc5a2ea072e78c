// docs/state-machines.md: what each stream can go through, and what it waits for.
import { EVENTS, SERVICES, type Category, type ServiceName } from '@baton/contracts';
import type { Waiting } from '@baton/domain';
import type { Explored } from './explore.ts';
import { GENERATED, duration, table } from './markdown.ts';

const FILE = (category: Category): string => `libs/domain/src/${category}.ts`;

export const ownerOf = (category: Category): ServiceName => {
  const owner = Object.entries(SERVICES).find(([, { appends }]) => (appends as readonly string[]).includes(category));
  if (!owner) throw new Error(`nobody appends to ${category}: give it an owner in libs/contracts/src/services.ts`);
  return owner[0] as ServiceName;
};

export function stateMachinesPage(explored: readonly Explored[]): string {
  return [
    '# State machines',
    '',
    GENERATED('tools/src/docs/explore.ts, by deciding commands in every state they lead to'),
    '',
    'One section per kind of stream. In the diagrams an arrow is an event; a state drawn with a dotted line below its name is passed',
    'within one append and never rests. A command that is repeated, late or out of order is accepted with no events and is',
    'not shown. `DeadlinePassed` and `WorkFailed` come from the runtime (`libs/handling`), every other command from a reaction',
    '(`libs/domain/src/reactions.ts`), an edge, or the performer of the work.',
    '',
    ...explored.flatMap(section),
  ].join('\n');
}

function section(one: Explored): string[] {
  const { category } = one;
  return [
    `## ${category}`,
    '',
    `Owner: ${ownerOf(category)}. Decided in [\`${FILE(category)}\`](../${FILE(category)}). ${Object.keys(EVENTS[category]).length} events.`,
    '',
    '```mermaid',
    ...diagram(one),
    '```',
    '',
    '**What it waits for**',
    '',
    ...table(
      ['state', 'waits on', 'owner', 'for what (as an example)', 'deadline', 'key', 'when it passes'],
      [...one.resting].filter(([status]) => status !== 'new').map(([status, waiting]) => waitRow(one, status, waiting)),
    ),
    '',
    '**What leads from where to where**',
    '',
    ...table(['state', 'command', 'events, in one append', 'state after'], stepRows(one)),
    '',
    ...refused(one),
  ];
}

/** Mermaid takes no dash in a name. */
const nameOf = (status: string): string => (status === 'new' ? '[*]' : status.replaceAll('-', '_'));

function diagram(one: Explored): string[] {
  const arrows = new Map<string, Set<string>>();
  for (const { from, events, through } of one.steps) {
    events.forEach((event, index) => {
      const before = index === 0 ? from : (through[index - 1] as string);
      const arrow = `${nameOf(before)} --> ${nameOf(through[index] as string)}`;
      arrows.set(arrow, (arrows.get(arrow) ?? new Set()).add(event.type));
    });
  }
  const statuses = new Set(one.steps.flatMap(({ through }) => through));
  const declared = [...statuses].map((status) =>
    one.resting.has(status) ? `  ${nameOf(status)} : ${status}` : `  ${nameOf(status)} : ${status}<br/>· · ·`,
  );
  const ends = [...one.resting.keys()].filter((status) => isEnd(one, status)).map((status) => `  ${nameOf(status)} --> [*]`);
  return [
    'stateDiagram-v2',
    ...declared,
    ...[...arrows].map(([arrow, types]) => `  ${arrow} : ${[...types].join(', ')}`),
    ...ends,
  ];
}

const isEnd = (one: Explored, status: string): boolean =>
  status !== 'new' && one.resting.get(status) === null && !one.steps.some(({ from, to }) => from === status && to !== status);

function waitRow(one: Explored, status: string, waiting: Waiting | null): string[] {
  if (waiting === null)
    return [`\`${status}\``, isEnd(one, status) ? 'nothing: an end' : 'nothing of its own', '', '', '', '', ''];
  const { on, owner, reason, next, key, after_ms, work } = waiting;
  return [
    `\`${status}\``,
    work === undefined ? on : `work \`${work}\``,
    owner,
    reason,
    work === undefined ? duration(after_ms) : `${duration(after_ms)}, pushed back while it is worked on`,
    `\`${key.replace(/\d+$/, 'n')}\``,
    next,
  ];
}

function stepRows(one: Explored): string[][] {
  const rows = one.steps.map(({ from, command, events, to }) => {
    const types = events.map((event) => event.type);
    const folded = types.filter((type, index) => type !== types[index - 1]);
    return [`\`${from}\``, command, folded.join(', '), `\`${to}\``];
  });
  return unique(rows);
}

function refused(one: Explored): string[] {
  const byReason = Map.groupBy(one.refusals, ({ command, reason }) => `${command}\n${reason}`);
  if (byReason.size === 0) return ['Nothing is refused here.', ''];
  const rows = [...byReason].map(([key, refusals]) => {
    const [command = '', reason = ''] = key.split('\n');
    return [command, `\`${reason}\``, [...new Set(refusals.map(({ status }) => `\`${status}\``))].join(', ')];
  });
  return ['**What is refused**', '', ...table(['command', 'reason', 'in'], rows), ''];
}

const unique = (rows: readonly string[][]): string[][] => [...new Map(rows.map((row) => [row.join('\n'), row])).values()];
