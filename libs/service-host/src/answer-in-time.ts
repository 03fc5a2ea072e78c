/** Whoever asks over HTTP is answered before they give up: also while the record is away and what they asked for still waits for it. */
import type { NestInterceptor } from '@nestjs/common';
import { throwError, timeout } from 'rxjs';
import { ANSWER_MS_MAX } from './limits.ts';

/** Whether it was done is not known yet; asked again under the same key, it is not done twice. */
class AnswerOverdue extends Error {
  override readonly name = 'AnswerOverdue';
}

export const answerInTime = (within_ms = ANSWER_MS_MAX): NestInterceptor => ({
  intercept: (_context, next) =>
    next.handle().pipe(
      timeout({
        first: within_ms,
        with: () => throwError(() => new AnswerOverdue(`nothing was recorded or refused within ${String(within_ms)} ms`)),
      }),
    ),
});
