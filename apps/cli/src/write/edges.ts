/** What people do reaches the services over their HTTP edges; what those answer becomes an exit code that means something. */
import { setTimeout as wait } from 'node:timers/promises';
import { encodeHeaderText, type Fault } from '@baton/contracts';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { CliProblem, EXIT, type ExitCode } from '../exit-codes.ts';
import { duration } from '../format.ts';
import { requireStack } from '../stack/home.ts';

const REQUEST_MS_MAX = 30_000;
/** A server that starts again, or stands still for a moment, is there by then. */
const REPEAT_AFTER_MS = [500, 1_000, 2_000];
/** As a status: the connection was refused, broke, or stayed silent. */
const NO_ANSWER = 0;
/** Whether it was done is not known: that is what a gateway in front of the edge knows too. */
const UNCERTAIN: ReadonlySet<number> = new Set([NO_ANSWER, 502, 503, 504]);

const faultsSchema = z.array(z.object({ field: z.string(), problem: z.string(), fix: z.string() }));
const problemSchema = z.object({
  type: z.string().default('about:blank'),
  title: z.string().default(''),
  detail: z.string().optional(),
  faults: faultsSchema.optional(),
});
export type ProblemBody = z.infer<typeof problemSchema>;

export type Answer<T> =
  | { readonly ok: true; readonly status: number; readonly body: T }
  | { readonly ok: false; readonly status: number; readonly problem: ProblemBody };

interface Asked<T> {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly schema: z.ZodType<T>;
}

type Edge = 'intake' | 'approval';

function edgeUrl(context: Context, edge: Edge): string {
  const named = edge === 'intake' ? context.config.BATON_INTAKE_URL : context.config.BATON_APPROVAL_URL;
  if (named !== undefined) return named;
  const url = requireStack(context.home).services[edge];
  if (url === undefined)
    throw new CliProblem(
      EXIT.unreachable,
      `the stack on ${context.home.directory} has no ${edge}`,
      'run `baton down` and `baton up`',
    );
  return url;
}

async function post<T>(context: Context, edge: Edge, { path, headers, body, schema }: Asked<T>): Promise<Answer<T>> {
  const url = new URL(path, edgeUrl(context, edge));
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
      signal: AbortSignal.any([context.interrupted, AbortSignal.timeout(REQUEST_MS_MAX)]),
    });
    text = await response.text();
  } catch (error) {
    const { message } = ((error as Error).cause ?? error) as Error;
    const title = `${edge} at ${url.origin} does not answer: ${message}`;
    return { ok: false, status: NO_ANSWER, problem: { type: 'about:blank', title } };
  }
  const parsed = jsonOf(text);
  if (!response.ok)
    return {
      ok: false,
      status: response.status,
      problem: problemSchema.safeParse(parsed).data ?? { type: 'about:blank', title: text.slice(0, 500) },
    };
  const fits = schema.safeParse(parsed);
  if (!fits.success)
    throw new CliProblem(
      EXIT.unexpected,
      `${edge} answered ${String(response.status)} with something else than was agreed: ${text.slice(0, 300)}`,
      'is another program listening at that address?',
    );
  return { ok: true, status: response.status, body: fits.data };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const EXIT_OF_STATUS: ReadonlyMap<number, ExitCode> = new Map<number, ExitCode>([
  [400, EXIT.invalid],
  [413, EXIT.invalid],
  [415, EXIT.invalid],
  [422, EXIT.invalid],
  [404, EXIT.not_found],
  [401, EXIT.refused],
  [403, EXIT.refused],
  [409, EXIT.refused],
  ...[...UNCERTAIN].map((status): [number, ExitCode] => [status, EXIT.unreachable]),
]);
const exitOfStatus = (status: number): ExitCode => EXIT_OF_STATUS.get(status) ?? EXIT.unexpected;

type Refused = Extract<Answer<unknown>, { readonly ok: false }>;

/** A refusal as the error that a command ends with. */
function refusal(what: string, { problem, status }: Refused): CliProblem {
  const outcome = UNCERTAIN.has(status) ? 'whether it was done is not known' : what;
  return new CliProblem(exitOfStatus(status), `${outcome}: ${saidOf(problem)}`, nextStep(status));
}

function saidOf(problem: ProblemBody): string {
  const faults = (problem.faults ?? []).map((fault) => `\n  ${fault.field}: ${fault.problem}; ${fault.fix}`).join('');
  return `${problem.detail ?? problem.title}${faults}`;
}

const nextStep = (status: number): string =>
  UNCERTAIN.has(status)
    ? `${status === NO_ANSWER ? 'see `baton status`, and try again' : 'try again in a moment'}; the same request is never done twice`
    : '';

const personHeader = (person: string): Record<string, string> => ({ 'baton-actor': encodeHeaderText(person) });

const submittedSchema = z.object({ mission_id: z.string(), status: z.literal('accepted') });
export type Submitted =
  | { readonly mission_id: string; readonly again: boolean }
  | { readonly faults: readonly Fault[]; readonly detail: string };

export interface Submission {
  readonly contract: unknown;
  readonly key: string;
  readonly person: string;
  /** What to do where nobody knows whether it was taken. */
  readonly next_step: string;
}

/** Hands a contract in; the same key with the same content is the same mission. */
export async function submitMission(context: Context, { contract, key, person, next_step }: Submission): Promise<Submitted> {
  const answer = await repeated(context, () =>
    post(context, 'intake', {
      path: '/v1/missions',
      headers: { 'idempotency-key': encodeHeaderText(key), ...personHeader(person) },
      body: contract,
      schema: submittedSchema,
    }),
  );
  if (answer.ok) return { mission_id: answer.body.mission_id, again: answer.status === 200 };
  if (answer.status === 422) return { faults: answer.problem.faults ?? [], detail: answer.problem.detail ?? '' };
  const { status, problem } = answer;
  const facts = { key };
  // What failed inside an edge may have been recorded all the same.
  if (status !== NO_ANSWER && status < 500)
    throw new CliProblem(exitOfStatus(status), `the mission was not taken: ${saidOf(problem)}`, nextStep(status), { facts });
  throw new CliProblem(
    exitOfStatus(status),
    `whether the mission was taken is not known: ${saidOf(problem)}`,
    `see \`baton status\`; then, ${next_step}`,
    { facts },
  );
}

/** For a request that may be sent again: until somebody knows what became of it, or for as long as a person waits. */
async function repeated<T>({ out, interrupted }: Context, ask: () => Promise<Answer<T>>): Promise<Answer<T>> {
  for (const after_ms of REPEAT_AFTER_MS) {
    const answer = await ask();
    if (answer.ok || !UNCERTAIN.has(answer.status) || interrupted.aborted) return answer;
    out.progress(`${saidOf(answer.problem)}; asked again in ${duration(after_ms)}, under the same key`);
    await wait(after_ms, undefined, { signal: interrupted }).catch(() => undefined);
  }
  return ask();
}

export async function cancelMission(context: Context, mission_id: string, person: string, reason: string): Promise<void> {
  const answer = await post(context, 'intake', {
    path: `/v1/missions/${mission_id}/cancel`,
    headers: personHeader(person),
    body: { reason },
    schema: z.unknown(),
  });
  if (!answer.ok) throw refusal('it was not cancelled', answer);
}

export interface GateAnswer {
  readonly mission_id: string;
  readonly revision: number;
  /** Of what the person was shown. */
  readonly content_digest: string;
  readonly answer: 'approve' | 'deny';
  readonly person: string;
  readonly reason: string;
}

export async function answerGate(
  context: Context,
  { mission_id, revision, content_digest, answer, person, reason }: GateAnswer,
): Promise<string> {
  const answered = await post(context, 'approval', {
    path: `/v1/gates/${mission_id}/${String(revision)}/answer`,
    headers: personHeader(person),
    body: { content_digest, answer, reason, channel: 'cli' },
    schema: z.object({ outcome: z.string() }),
  });
  if (!answered.ok) throw refusal('the answer does not count', answered);
  return answered.body.outcome;
}
