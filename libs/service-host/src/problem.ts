/** Everything that goes wrong at an HTTP edge is answered as a problem (RFC 9457): what it is, what was wrong, what to do. */
import { HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { STATUS_CODES } from 'node:http';
import type { Fault } from '@baton/contracts';
import type { Logger } from '@baton/telemetry';
import type { z } from 'zod';
import { BODY_BYTES_MAX } from './limits.ts';

export const PROBLEM_CONTENT_TYPE = 'application/problem+json; charset=utf-8';

export interface ProblemBody {
  /** `urn:baton:problem:<kebab-case>`, for programs; `about:blank` = the status says it all. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
  readonly faults?: readonly Fault[];
}

export class Problem extends Error {
  override readonly name = 'Problem';
  readonly body: ProblemBody;
  readonly headers: Readonly<Record<string, string>>;
  constructor(body: ProblemBody, headers: Readonly<Record<string, string>> = {}, options?: ErrorOptions) {
    super(body.detail ?? body.title, options);
    this.body = body;
    this.headers = headers;
  }
}

export interface ProblemOptions {
  readonly status: number;
  /** The last part of the URN, such as `idempotency-key-reused`. */
  readonly type?: string;
  readonly title?: string;
  readonly detail?: string;
  readonly faults?: readonly Fault[];
  /** Such as `retry-after`. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** To be thrown by a controller. */
export function problem({ status, type, title, detail, faults, headers, cause }: ProblemOptions): Problem {
  const body: ProblemBody = {
    type: type === undefined ? 'about:blank' : `urn:baton:problem:${type}`,
    title: title ?? STATUS_CODES[status] ?? 'Error',
    status,
    ...(detail === undefined ? {} : { detail }),
    ...(faults === undefined ? {} : { faults }),
  };
  return new Problem(body, headers, cause === undefined ? undefined : { cause });
}

function fixOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `give a value of type ${issue.expected}`;
    case 'unrecognized_keys':
      return `leave out ${issue.keys.join(', ')}`;
    case 'invalid_value':
      return `use one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return `give at least ${String(issue.minimum)}`;
    case 'too_big':
      return `give at most ${String(issue.maximum)}`;
    default:
      return 'give what the problem asks for';
  }
}

/** The body, parsed; throws a 400 problem that names every fault. */
export function parseBody<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => ({
    field: issue.path.join('.') || '(body)',
    problem: issue.message,
    fix: fixOf(issue),
  }));
  throw problem({
    status: 400,
    type: 'invalid-body',
    title: 'The body does not fit',
    detail: `${faults.length} of its fields have to change; each is named in "faults".`,
    faults,
  });
}

interface Reply {
  readonly sent: boolean;
  code(status: number): Reply;
  headers(headers: Readonly<Record<string, string>>): Reply;
  send(body: string): unknown;
}

/** The one filter of every edge: whatever is thrown becomes a problem, and only what nobody foresaw is logged as an error. */
export function problemFilter(logger: Logger): ExceptionFilter {
  return {
    catch(thrown: unknown, host: ArgumentsHost) {
      const reply = host.switchToHttp().getResponse<Reply>();
      const { body, headers } = toProblem(thrown);
      if (body.status >= 500) {
        const { method, url } = host.switchToHttp().getRequest<{ method: string; url: string }>();
        logger.error({ err: thrown, method, path: url.split('?', 1)[0], status: body.status }, 'http-request-failed');
      }
      if (reply.sent) return;
      reply
        .code(body.status)
        .headers({ 'content-type': PROBLEM_CONTENT_TYPE, 'cache-control': 'no-store', ...headers })
        .send(JSON.stringify(body));
    },
  };
}

/** What has an address that cannot be read reaches no filter: the router answers it. */
export function answerUnrouted(error: Error, _request: unknown, reply: unknown): void {
  const { body } = toProblem(error);
  (reply as Reply).code(body.status).headers({ 'content-type': PROBLEM_CONTENT_TYPE }).send(JSON.stringify(body));
}

export function toProblem(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown;
  // By its name: an error that a port of another store throws counts as well.
  if (thrown instanceof Error && ['StoreUnreachable', 'AnswerOverdue'].includes(thrown.name)) return storeUnavailable(thrown);
  if (thrown instanceof Error && thrown.name === 'EventTooLarge')
    return problem({
      status: 413,
      type: 'event-too-large',
      detail: `This cannot be recorded: ${thrown.message}.`,
      cause: thrown,
    });
  const status = thrown instanceof HttpException ? thrown.getStatus() : statusOf(thrown);
  if (status === 404)
    return problem({
      status,
      type: 'not-found',
      detail:
        'There is nothing at this address; what there is, and for which method, stands in apps/intake/README.md and apps/approval/README.md under "Consumes".',
    });
  if (status === 413)
    return problem({
      status,
      type: 'body-too-large',
      detail: `A body may have at most ${BODY_BYTES_MAX} bytes; put what is long into a file of the repository and name that.`,
    });
  if (status === 415) return problem({ status, type: 'unsupported-media-type', detail: 'Send the body as application/json.' });
  // What a parser says of a bad request is for its sender; what broke inside is not.
  if (status >= 400 && status < 500) return problem({ status, type: 'bad-request', detail: (thrown as Error).message });
  return problem({
    status: status >= 500 ? status : 500,
    type: 'internal',
    detail: 'The service could not answer; the log of the service has the cause. Sending the same request again is safe.',
  });
}

/** A store that comes back takes a few seconds; the request itself has waited seven or eight before this. */
const STORE_RETRY_AFTER_S = 2;

const storeUnavailable = (cause: Error): Problem =>
  problem({
    status: 503,
    type: 'store-unavailable',
    title: 'The record cannot be reached',
    detail:
      'Nothing was lost. Send the same request again, under the same Idempotency-Key where it has one: whether this one was recorded or not, it is never done twice.',
    headers: { 'retry-after': String(STORE_RETRY_AFTER_S) },
    cause,
  });

const statusOf = (thrown: unknown): number => {
  const status = thrown instanceof Error && 'statusCode' in thrown ? Number(thrown.statusCode) : 500;
  return status >= 400 && status < 600 ? status : 500;
};
