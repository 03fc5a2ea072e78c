// docs/events.md: every event, what is in it, who writes it and who answers it.
import {
  CONSUMERS,
  EVENTS,
  describeEvent,
  subjectOf,
  type BatonEvent,
  type Category,
  type EventType,
  type ServiceName,
} from '@baton/contracts';
import { REACTIONS, STREAM_OF, react } from '@baton/domain';
import type { DocComments } from './doc-comments.ts';
import type { Explored } from './explore.ts';
import { GENERATED, code } from './markdown.ts';
import { fieldTable, typeSections } from './schema-types.ts';
import { ownerOf } from './state-machines-page.ts';

const ID = '<mission_id>';
const STREAM_NAMES: Readonly<Record<Category, string>> = {
  mission: STREAM_OF.mission(ID),
  plan: STREAM_OF.plan(ID),
  task: STREAM_OF.task(ID, '<task_id>'),
  review: STREAM_OF.review(ID, '<task_id>'),
  gate: STREAM_OF.gate(ID, 0).replace(/0$/, '<revision>'),
  release: STREAM_OF.release(ID),
};

export function eventsPage(explored: readonly Explored[], comments: DocComments): string {
  const used = new Set<string>();
  const sections = explored.flatMap((one) => section(one, comments, used));
  return [
    '# Events',
    '',
    GENERATED('libs/contracts/src/events.ts, libs/domain/src/reactions.ts and libs/contracts/src/topology.ts'),
    '',
    'An event is one line of the log: an envelope (`libs/contracts/src/envelope.ts`: schema version, correlation, causation, actor,',
    'trace context) and the data below. Each event names the commands that lead to it, with the states they were decided in, and the',
    'services that answer it. **metrics** folds them all, from the log, and answers none.',
    '',
    ...sections,
    '## Types',
    '',
    ...typeSections(used, comments),
  ].join('\n');
}

function section(one: Explored, comments: DocComments, used: Set<string>): string[] {
  const { category } = one;
  const head = [`## ${category}`, '', `Streams ${code(STREAM_NAMES[category])}, written by **${ownerOf(category)}** only.`, ''];
  const events = Object.entries(EVENTS[category]).flatMap(([type, schema]) => [
    `### ${type}`,
    '',
    ...[comments.get(type) ?? []].flat().flatMap((comment) => [comment, '']),
    `Subject ${code(subjectOf(type as EventType))}, schema version ${String(describeEvent(type)?.version)}.`,
    '',
    `- decided by ${decidedBy(type, one)}`,
    ...answers(type as EventType, one.events),
    '',
    ...fieldTable(schema, type, comments, used),
    '',
  ]);
  return [...head, ...events];
}

const decidedBy = (type: string, one: Explored): string => {
  const steps = one.steps.filter(({ events }) => events.some((event) => event.type === type));
  const byCommand = Map.groupBy(steps, ({ command }) => command);
  return [...byCommand]
    .map(([command, taken]) => `${code(command)} (${[...new Set(taken.map(({ from }) => from))].join(', ')})`)
    .join(', ');
};

/** Who takes it from the bus, and with which commands it is answered; consumers and reactions have to agree. */
function answers(type: EventType, happened: readonly BatonEvent[]): string[] {
  const samples = happened.filter((event) => event.type === type);
  const lines = (Object.keys(REACTIONS) as ServiceName[]).flatMap((service) => {
    if (!Object.hasOwn(REACTIONS[service], type)) return [];
    const consumer = consumerOf(service, type);
    if (consumer === undefined) {
      throw new Error(
        `${service} reacts to ${type}, but no consumer brings it: add ${type} to one of its CONSUMERS in libs/contracts/src/topology.ts`,
      );
    }
    const commands = samples
      .flatMap((event) => react(service, event))
      .map(
        ({ stream, command }) =>
          `${code((command as { type: string }).type)} to ${code(STREAM_NAMES[stream.slice(0, stream.indexOf('-')) as Category])}`,
      );
    return [`- **${service}** (${code(consumer)}) answers with ${[...new Set(commands)].join(', ')}`];
  });
  return lines.length === 0 ? ['- answered by nobody'] : lines;
}

function consumerOf(service: ServiceName, type: EventType): string | undefined {
  const all = Object.entries(CONSUMERS) as [string, { service: ServiceName; stream: string; takes: readonly string[] }][];
  return all.find(([, consumer]) => consumer.service === service && consumer.takes.includes(type))?.[0];
}
