/** The HTTP edge of approval: parse → command → decide. */
import { answerGateSchema, printableJson } from '@baton/contracts';
import { contentForPrograms, type ServiceRuntime } from '@baton/handling';
import { actorOf, parseBody, PLATFORM, problem, RUNTIME, type Platform } from '@baton/service-host';
import { Body, Controller, Get, Header, Headers, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { CONTENT_BYTES_MAX, contentOf, openedGate } from './content.ts';
import { answer } from './work.ts';

/** Why an answer does not count, and what to do about it. */
const REFUSALS: Readonly<Record<string, { readonly status: number; readonly detail: string }>> = {
  'unknown-card': { status: 404, detail: 'there is no such decision card; see baton approvals' },
  'different-content': {
    status: 409,
    detail: 'the content changed since it was shown: look at the card again and answer what it shows now',
  },
  'already-decided': { status: 409, detail: 'somebody has decided already; the first answer counts' },
  'self-approval': { status: 403, detail: 'whoever asked for this change may not approve it: the policy wants a second person' },
  expired: {
    status: 409,
    detail:
      'the card expired before it was answered, and with it the mission failed; hand it in again under a new Idempotency-Key',
  },
  superseded: { status: 409, detail: 'the release ended before it was answered; there is nothing left to decide' },
};

const refusal = (reason: string): Error => {
  const { status, detail } = REFUSALS[reason] ?? { status: 409, detail: reason };
  return problem({ status, type: reason, detail });
};

const addressSchema = answerGateSchema.pick({ mission_id: true, revision: true });
/** By their names: the store is behind a port. */
const NOTHING_TO_SHOW = ['ArtifactMissing', 'ArtifactTampered', 'UnreadableContent'];

@Controller('v1/gates')
export class GatesController {
  private readonly runtime: ServiceRuntime;
  private readonly platform: Platform;

  constructor(@Inject(RUNTIME) runtime: unknown, @Inject(PLATFORM) platform: unknown) {
    this.runtime = runtime as ServiceRuntime;
    this.platform = platform as Platform;
  }

  @Post(':mission_id/:revision/answer')
  @HttpCode(200)
  async answer(
    @Param() at: { mission_id: string; revision: string },
    @Body() body: unknown,
    @Headers() headers: Record<string, string | undefined>,
  ): Promise<unknown> {
    const given = body !== null && typeof body === 'object' ? body : {};
    const asked = parseBody(answerGateSchema, {
      channel: 'http',
      ...given,
      mission_id: at.mission_id,
      revision: Number(at.revision),
      by: actorOf(headers),
    });
    const decided = await this.platform.instruments.span(
      'answer gate',
      { mission_id: asked.mission_id },
      headers['traceparent'],
      (traceparent) => this.runtime.submit(answer(asked, traceparent)),
    );
    if (decided.status !== 'refused') return { outcome: asked.answer === 'approve' ? 'approved' : 'denied' };
    throw refusal(decided.reason);
  }

  /** The card and what it asks about: what an approver has to see, and the digest that the answer names. */
  @Get(':mission_id/:revision/diff')
  @Header('content-type', 'application/json; charset=utf-8')
  @Header('cache-control', 'no-store')
  async diff(@Param() at: { mission_id: string; revision: string }): Promise<string> {
    const { store } = this.platform;
    const gate = await openedGate(store, parseBody(addressSchema, { ...at, revision: Number(at.revision) }));
    if (gate === null) throw refusal('unknown-card');
    const { mission_id, revision, content_digest, card } = gate;
    const content = await contentOf(store, gate).catch((cause: Error) => {
      if (!NOTHING_TO_SHOW.includes(cause.name)) throw cause;
      const detail = `${cause.message}; approve nothing of it, and see whether the log is whole: baton verify`;
      throw problem({ status: 500, type: 'content-damaged', detail, cause });
    });
    return printableJson({ mission_id, revision, content_digest, card, ...contentForPrograms(content, CONTENT_BYTES_MAX) });
  }
}
