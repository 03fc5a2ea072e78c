import { describe, expect, it } from '@jest/globals';
import type { ExecutionContext } from '@nestjs/common';
import { NEVER, firstValueFrom, of, type Observable } from 'rxjs';
import { answerInTime } from './answer-in-time.ts';
import { toProblem } from './problem.ts';

describe('an answer over HTTP', () => {
  const ask = (answers: Observable<unknown>): Promise<unknown> =>
    Promise.resolve(answerInTime(20).intercept({} as ExecutionContext, { handle: () => answers })).then(firstValueFrom);

  it('is what the handler says', async () => {
    expect(await ask(of('accepted'))).toBe('accepted');
  });

  it('is that the record is away, where nobody knows yet: to be asked again under the same key', async () => {
    const overdue: unknown = await ask(NEVER).catch((error: unknown) => error);
    expect(toProblem(overdue)).toMatchObject({
      headers: { 'retry-after': '2' },
      body: { status: 503, type: 'urn:baton:problem:store-unavailable', detail: expect.stringContaining('same Idempotency-Key') },
    });
  });
});
