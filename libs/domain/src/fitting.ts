/** What is handed on has to fit into its event: what was said and printed is shortened for it, what counts is not. */
import { EVENT_DATA_BYTES_MAX, jsonBytes, type Receipt } from '@baton/contracts';
import { clipped } from './decider.ts';

/** Tried from the longest: how much of each receipt's output and of the summary is kept. Outputs are kept whole under their digests. */
const SHORTER = [
  { tail_chars: Infinity, summary_chars: Infinity },
  { tail_chars: 1_000, summary_chars: 4_000 },
  { tail_chars: 200, summary_chars: 1_000 },
  { tail_chars: 0, summary_chars: 1_000 },
];

/** A review that sends work back says of each criterion what was printed: that, too, stands beside the task. */
const RECEIPTS_BYTES_MAX = 96 * 1024;

interface HandedOn {
  readonly receipts: Receipt[];
  readonly summary?: string;
}

export function fitting<D extends HandedOn>(data: D): D | { readonly problem: string } {
  let shorter = data;
  for (const { tail_chars, summary_chars } of SHORTER) {
    shorter = {
      ...data,
      receipts: data.receipts.map((receipt) => ({ ...receipt, output_tail: endOf(receipt.output_tail, tail_chars) })),
      ...(data.summary === undefined ? {} : { summary: clipped(data.summary, summary_chars) }),
    };
    if (jsonBytes(shorter.receipts) <= RECEIPTS_BYTES_MAX && jsonBytes(shorter) <= EVENT_DATA_BYTES_MAX) return shorter;
  }
  return {
    problem: `what is handed on (task, paths of the change, receipts) has ${jsonBytes(shorter)} bytes, at most ${EVENT_DATA_BYTES_MAX} can be kept: split the task`,
  };
}

const endOf = (text: string, chars: number): string => (text.length <= chars ? text : text.slice(text.length - chars));
