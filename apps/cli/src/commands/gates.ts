/** Decision cards: shown whole, and answered for exactly the content that was shown. */
import type { DataOf, EventRecord } from '@baton/contracts';
import type { History } from '@baton/event-store';
import type { Context } from '../context.ts';
import { CliProblem, EXIT, type ExitCode } from '../exit-codes.ts';
import { colour, duration, harmless, oneLine, shortHash, shortId, table } from '../format.ts';
import { addressOf, cardId, changeOf, moreFiles } from '../read/card.ts';
import { reading } from '../read/connect.ts';
import { parseAll, resolveMission } from '../read/missions.ts';
import { answerGate } from '../write/edges.ts';

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
      out.line('\nSee what it changes: baton diff CARD; decide: baton approve CARD, baton deny CARD --reason TEXT');
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

/** Without a revision, the open card of that mission. */
async function findCard(history: Pick<History, 'missionIds' | 'missionEvents'>, card: string): Promise<OpenedGate> {
  const { prefix, revision } = addressOf(card);
  const mission_id = await resolveMission(history, prefix);
  const events = parseAll(await history.missionEvents(mission_id));
  const gates = events.filter(
    (event): event is OpenedGate => event.type === 'GateOpened' && (revision === undefined || event.data.revision === revision),
  );
  const gate = gates.at(-1);
  if (gate === undefined)
    throw new CliProblem(
      EXIT.not_found,
      `mission ${shortId(mission_id)} has no decision card${revision === undefined ? '' : ` ${String(revision)}`}`,
      'see `baton approvals`',
    );
  return gate;
}

export interface AnswerOptions {
  readonly as?: string | undefined;
  readonly reason: string;
}

export async function answer(
  context: Context,
  card: string,
  decision: 'approve' | 'deny',
  options: AnswerOptions,
): Promise<ExitCode> {
  const { out } = context;
  const gate = await reading(context, ({ history }) => findCard(history, card));
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
