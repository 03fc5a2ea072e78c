/** The body of a request as it was meant, or a problem that names every field that cannot be taken and what to do about it. */
import { isUtf8 } from 'node:buffer';
import { UnfitJson, readOutsideJson, type Fault } from '@baton/contracts';
import { problem, type Problem } from './problem.ts';

export function readJsonBody(bytes: Buffer): unknown {
  if (!isUtf8(bytes))
    throw unfit([{ field: '(body)', problem: 'is not text in UTF-8', fix: 'encode it as UTF-8; send other bytes as base64' }]);
  try {
    return readOutsideJson(bytes.toString());
  } catch (error) {
    throw error instanceof UnfitJson ? unfit(error.faults) : error;
  }
}

const unfit = (faults: readonly Fault[]): Problem =>
  problem({
    status: 400,
    type: 'invalid-body',
    title: 'The body does not fit',
    detail: `${String(faults.length)} thing(s) in it cannot be taken; each is named in "faults".`,
    faults,
  });
