/** Decision cards: shown whole, and answered for exactly the content that was shown. */
import type { DataOf, EventRecord } from '@baton/contracts';
import type { History } from '@baton/event-store';
import type { Context } from '../context.ts';
import { CliProblem, EXIT, type ExitCode } from '../exit-codes.ts';
import { colour, duration, harmless, oneLine, plural, shortHash, shortId, table } from '../format.ts';
import { reading } from '../read/connect.ts';
import { parseAll, resolveMission } from '../read/missions.ts';
import { answerGate } from '../write/edges.ts';

type OpenedGate = EventRecord & { readonly type: 'GateOpened'; readonly data: DataOf<'GateOpened'> };

const cardId = ({ mission_id, revision }: { readonly mission_id: string; readonly revision: number }): string =>
  `${shortId(mission_id)}.${String(revision)}`;

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
            `${plural(gate.data.card.files.length, 'file')} +${String(gate.data.card.insertions)} −${String(gate.data.card.deletions)}`,
            oneLine(gate.data.card.title, 60),
          ]),
        ),
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
    row('change', `${plural(card.files.length, 'file')}, +${String(card.insertions)} −${String(card.deletions)}`),
    ...card.files.map((file) => row('', file)),
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

/** `<beginning of the mission id>.<revision>`; without a revision, the open card of that mission. */
async function findCard(history: Pick<History, 'missionIds' | 'missionEvents'>, card: string): Promise<OpenedGate> {
  const [, prefix = '', revision] = /^([0-9a-f-]+)(?:\.(\d+))?$/i.exec(card) ?? [];
  if (prefix === '')
    throw new CliProblem(EXIT.invalid, `"${card}" is no card id`, 'see `baton approvals`; an id looks like 1f3a9c02.1');
  const mission_id = await resolveMission(history, prefix);
  const events = parseAll(await history.missionEvents(mission_id));
  const gates = events.filter(
    (event): event is OpenedGate =>
      event.type === 'GateOpened' && (revision === undefined || event.data.revision === Number(revision)),
  );
  const gate = gates.at(-1);
  if (gate === undefined)
    throw new CliProblem(
      EXIT.not_found,
      `mission ${shortId(mission_id)} has no decision card${revision === undefined ? '' : ` ${revision}`}`,
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
