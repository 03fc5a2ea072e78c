/** What people do reaches the services over their HTTP edges; what those answer becomes an exit code that means something. */
import { encodeHeaderText, type Fault } from '@baton/contracts';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { CliProblem, EXIT, type ExitCode } from '../exit-codes.ts';
import { requireStack } from '../stack/home.ts';

const REQUEST_MS_MAX = 30_000;

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
      signal: AbortSignal.timeout(REQUEST_MS_MAX),
    });
    text = await response.text();
  } catch (error) {
    const { message } = ((error as Error).cause ?? error) as Error;
    throw new CliProblem(
      EXIT.unreachable,
      `${edge} at ${url.origin} does not answer: ${message}`,
      'see whether the stack is well: baton status',
      { cause: error },
    );
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
  [503, EXIT.unreachable],
]);
const exitOfStatus = (status: number): ExitCode => EXIT_OF_STATUS.get(status) ?? EXIT.unexpected;

/** A refusal as the error that a command ends with. */
function refusal(what: string, answer: { readonly status: number; readonly problem: ProblemBody }): CliProblem {
  const { problem, status } = answer;
  const faults = (problem.faults ?? []).map((fault) => `\n  ${fault.field}: ${fault.problem}; ${fault.fix}`).join('');
  return new CliProblem(
    exitOfStatus(status),
    `${what}: ${problem.detail ?? problem.title}${faults}`,
    status === 503 ? 'try again in a moment; the same request is never done twice' : '',
  );
}

const personHeader = (person: string): Record<string, string> => ({ 'baton-actor': encodeHeaderText(person) });

const submittedSchema = z.object({ mission_id: z.string(), status: z.literal('accepted') });
export type Submitted =
  | { readonly mission_id: string; readonly again: boolean }
  | { readonly faults: readonly Fault[]; readonly detail: string };

/** Hands a contract in; the same key with the same content is the same mission. */
export async function submitMission(
  context: Context,
  mission: { readonly contract: unknown; readonly key: string; readonly person: string },
): Promise<Submitted> {
  const answer = await post(context, 'intake', {
    path: '/v1/missions',
    headers: { 'idempotency-key': encodeHeaderText(mission.key), ...personHeader(mission.person) },
    body: mission.contract,
    schema: submittedSchema,
  });
  if (answer.ok) return { mission_id: answer.body.mission_id, again: answer.status === 200 };
  if (answer.status === 422) return { faults: answer.problem.faults ?? [], detail: answer.problem.detail ?? '' };
  throw refusal('the mission was not taken', answer);
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
