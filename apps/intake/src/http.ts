/** The HTTP edge of intake: parse → command → decide. */
import { IDEMPOTENCY_KEY_CHARS_MAX, missionIdSchema } from '@baton/contracts';
import { missionIdOf, type Decided, type ServiceRuntime } from '@baton/handling';
import { actorOf, neededHeader, parseBody, PLATFORM, problem, RUNTIME, type Platform } from '@baton/service-host';
import { Body, Controller, Headers, HttpCode, Inject, Param, Post, Res } from '@nestjs/common';
import { z } from 'zod';
import { cancellation, submission } from './work.ts';

const cancelledSchema = z.object({ mission_id: missionIdSchema });
const cancelBodySchema = z.object({ reason: z.string().max(1_000).default('') }).prefault({});

interface Reply {
  code(status: number): unknown;
}

@Controller('v1/missions')
export class MissionsController {
  private readonly runtime: ServiceRuntime;
  private readonly platform: Platform;

  constructor(@Inject(RUNTIME) runtime: unknown, @Inject(PLATFORM) platform: unknown) {
    this.runtime = runtime as ServiceRuntime;
    this.platform = platform as Platform;
  }

  @Post()
  async submit(
    @Body() contract: unknown,
    @Headers() headers: Record<string, string | undefined>,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<unknown> {
    const idempotency_key = neededHeader(headers, {
      name: 'Idempotency-Key',
      chars_max: IDEMPOTENCY_KEY_CHARS_MAX,
      fix: 'send a key that is new for each mission, such as a uuid',
    });
    const requested_by = actorOf(headers);
    const mission_id = missionIdOf(idempotency_key);
    const asked = { idempotency_key, requested_by, contract, source: 'http' as const };
    const request = submission(asked);
    const decided = await this.platform.instruments.span(
      'submit mission',
      { mission_id },
      headers['traceparent'],
      (traceparent) => this.runtime.submit({ ...request, traceparent }),
    );
    if (decided.status === 'refused') {
      throw problem({
        status: 409,
        type: 'idempotency-key-reused',
        detail: `mission ${mission_id} was accepted under this Idempotency-Key with other content; use a new key for another mission`,
      });
    }
    if (request.command.type === 'RejectMission') {
      const { faults } = request.command;
      const detail = `${faults.length} thing(s) are wrong with this mission; each is named in "faults". Mend them and send it again, under the same key if you like.`;
      throw problem({ status: 422, type: 'contract-rejected', title: 'The mission was not accepted', detail, faults });
    }
    reply.code(decided.status === 'appended' ? 201 : 200);
    return { mission_id, status: 'accepted' };
  }

  @Post(':mission_id/cancel')
  @HttpCode(202)
  async cancel(
    @Param() named: unknown,
    @Body() body: unknown,
    @Headers() headers: Record<string, string | undefined>,
  ): Promise<unknown> {
    const { mission_id } = parseBody(cancelledSchema, named);
    const by = actorOf(headers);
    const { reason } = parseBody(cancelBodySchema, body ?? undefined);
    const decided = await this.platform.instruments.span(
      'cancel mission',
      { mission_id },
      headers['traceparent'],
      (traceparent) => this.runtime.submit({ ...cancellation(mission_id, by, reason), traceparent }),
    );
    return cancelled(mission_id, decided);
  }
}

function cancelled(mission_id: string, decided: Decided): unknown {
  if (decided.status !== 'refused') return { mission_id, status: 'cancelling' };
  if (decided.reason === 'unknown-mission')
    throw problem({ status: 404, type: 'unknown-mission', detail: `there is no mission ${mission_id}; see baton list` });
  throw problem({
    status: 409,
    type: decided.reason,
    detail: `mission ${mission_id} has ended already; see baton timeline ${mission_id}`,
  });
}
