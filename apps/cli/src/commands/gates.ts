/** Decision cards: shown whole, and answered for exactly the content that was shown. */
import type { DataOf, EventRecord } from '@baton/contracts';
import type { History } from '@baton/event-store';
import type { Context } from '../context.ts';
import { CliProblem, EXIT, type ExitCode } from '../exit-codes.ts';
import { ID_CHARS_MIN_TO_CHANGE, colour, duration, harmless, oneLine, shortHash, shortId, table } from '../format.ts';
import { addressOf, cardId, changeOf, moreFiles } from '../read/card.ts';
import { reading } from '../read/connect.ts';
import { parseAll, resolveMission } from '../read/missions.ts';
import { answerGate } from '../write/edges.ts';

const CARDS_SHOWN = 5;

type Decision = 'approve' | 'deny';
type OpenedGate = EventRecord & { readonly type: 'GateOpened'; readonly data: DataOf<'GateOpened'> };

export async function approvals(context: Context): Promise<ExitCode> {
  const { out } = context;
  return reading(context, async ({ history }) => {
    const [gates, now] = await Promise.all([history.openGates(), history.now()]);
    const cards = parseAll(gates) as readonly OpenedGate[];
    if (cards.length === 0) out.line('No decision is asked for.');
    else
      out.line(
        table(
          ['card', 'risk', 'asked by', 'expires in', 'change', 'title'],
          cards.map((gate) => [
            colour.bold(cardId(gate.data)),
            gate.data.card.risk,
            oneLine(gate.data.requested_by, 24),
            duration(Date.parse(gate.recorded_at) + gate.data.expires_after_ms - Date.parse(now)),
            changeOf(gate.data.card),
            oneLine(gate.data.card.title, 60),
          ]),
        ),
      );
    if (cards.length > 0)
      out.line(
        '\nSee what it changes: baton diff CARD; decide: baton approve CARD, baton deny CARD --reason TEXT (CARD with its revision)',
      );
    out.result({ cards: cards.map((gate) => ({ ...gate.data, id: cardId(gate.data), opened_at: gate.recorded_at })) });
    return EXIT.ok;
  });
}

/** The card as a tired person reads it: what, why, risk, way back, what happens by default. */
export function printCard(gate: OpenedGate): string {
  const { card, content_digest, policy, requested_by, expires_after_ms } = gate.data;
  const row = (name: string, text: string): string =>
    `│ ${colour.dim(name.padEnd(10))} ${harmless(text).replaceAll('\n', `\n│            `)}`;
  return [
    `╭─ ${colour.bold(`Decision ${cardId(gate.data)}`)}  ${harmless(oneLine(card.title))}`,
    row('context', card.context),
    row('risk', card.risk),
    row('change', changeOf(card)),
    ...[...card.files, moreFiles(card)].filter((file) => file !== null).map((file) => row('', file)),
    row('see it', `baton diff ${cardId(gate.data)}`),
    ...card.checks.map((check, index) =>
      row(index === 0 ? 'checks' : '', `${check.exit_code === 0 ? '✓' : '✗'} ${check.criterion_id}: ${check.statement}`),
    ),
    row('way back', card.rollback),
    row('advice', card.recommendation),
    row('asked by', requested_by),
    row('policy', `${policy.id}@${policy.version}, rule ${policy.rule}`),
    row('content', `${shortHash(content_digest)} (an answer counts for exactly this)`),
    row('by default', `${card.by_default} after ${duration(expires_after_ms)}`),
    '╰─',
  ].join('\n');
}

interface CardName {
  readonly prefix: string;
  readonly revision: number;
}

async function findCard(
  history: Pick<History, 'missionIds' | 'missionEvents'>,
  { prefix, revision }: CardName,
): Promise<OpenedGate> {
  const mission_id = await resolveMission(history, prefix);
  const gate = parseAll(await history.missionEvents(mission_id)).findLast(
    (event): event is OpenedGate => event.type === 'GateOpened' && event.data.revision === revision,
  );
  if (gate === undefined)
    throw new CliProblem(
      EXIT.not_found,
      `mission ${shortId(mission_id)} has no decision card ${String(revision)}`,
      'see `baton approvals`',
    );
  return gate;
}

/** The mission alone may mean another revision by now than the one that was looked at, and one character another mission. */
async function cardToAnswer(context: Context, card: string, decision: Decision): Promise<CardName> {
  const { prefix, revision } = addressOf(card);
  if (revision !== undefined && prefix.length >= ID_CHARS_MIN_TO_CHANGE) return { prefix, revision };
  throw new CliProblem(
    EXIT.invalid,
    `"${card}" does not say which card: give at least ${String(ID_CHARS_MIN_TO_CHANGE)} characters of the id, and the revision behind a dot`,
    whatToType(await openCards(context, prefix), decision),
  );
}

/** None where the log cannot be read: the command line is wrong all the same. */
const openCards = (context: Context, prefix: string): Promise<readonly string[]> =>
  reading(context, async ({ history }) =>
    (parseAll(await history.openGates()) as readonly OpenedGate[])
      .filter(({ data }) => data.mission_id.startsWith(prefix.toLowerCase()))
      .map(({ data }) => cardId(data)),
  ).catch(() => []);

function whatToType([only, ...others]: readonly string[], decision: Decision): string {
  if (only === undefined) return 'see `baton approvals`';
  if (others.length > 0) return `open are ${[only, ...others].slice(0, CARDS_SHOWN).join(', ')}; see \`baton approvals\``;
  return `open is ${only}: \`baton diff ${only}\`, then \`baton ${decision} ${only}\``;
}

export interface AnswerOptions {
  readonly as?: string | undefined;
  readonly reason: string;
}

export async function answer(context: Context, card: string, decision: Decision, options: AnswerOptions): Promise<ExitCode> {
  const { out } = context;
  const name = await cardToAnswer(context, card, decision);
  const gate = await reading(context, ({ history }) => findCard(history, name));
  out.line(printCard(gate));
  const { mission_id, revision, content_digest } = gate.data;
  const person = context.actor(options.as);
  const outcome = await answerGate(context, {
    mission_id,
    revision,
    content_digest,
    answer: decision,
    person,
    reason: options.reason,
  });
  out.line(`${decision === 'approve' ? colour.green('✓') : colour.red('✗')} ${outcome} by ${person}`);
  out.result({ card: cardId(gate.data), mission_id, revision, content_digest, outcome, by: person });
  return EXIT.ok;
}
