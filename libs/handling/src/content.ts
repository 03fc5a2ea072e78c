/** What an approval binds, and that same content as people look at it before they answer. */
import type { Change, Delivery, Receipt } from '@baton/contracts';
import { digestOf } from './digest.ts';
import { isPatch, readPatch, UnreadableContent, type ShownFile } from './patch.ts';

/** The diff, the evidence and the contract. The tree is not in it: the same change on a newer base is the same content. */
export const contentDigest = (
  change: Pick<Change, 'artifact'>,
  receipts: readonly Pick<Receipt, 'criterion_id' | 'command' | 'exit_code'>[],
  delivery: Pick<Delivery, 'contract_digest'>,
): string =>
  digestOf({
    diff: change.artifact,
    evidence: receipts.map(({ criterion_id, command, exit_code }) => ({ criterion_id, command, exit_code })),
    contract: delivery.contract_digest,
  });

export interface ShownContent {
  readonly form: 'patch' | 'documents';
  readonly files: readonly ShownFile[];
  /** The artifact itself, to the byte. */
  readonly bytes: Uint8Array;
}

/** Throws UnreadableContent rather than leave out what it does not understand. */
export function readContent(bytes: Uint8Array): ShownContent {
  // What is no UTF-8 is shown as replaced; it changes neither where lines end nor what they begin with.
  const text = asBuffer(bytes).toString('utf8');
  return isPatch(text)
    ? { form: 'patch', files: readPatch(text), bytes }
    : { form: 'documents', files: readDocuments(text), bytes };
}

/** For programs: the files without their lines, and the artifact in full where it has at most so many bytes. */
export function contentForPrograms({ form, files, bytes }: ShownContent, bytes_max = Number.POSITIVE_INFINITY): object {
  const text = asBuffer(bytes).toString('utf8');
  const encoding = Buffer.from(text).equals(bytes) ? 'utf-8' : 'base64';
  const whole = encoding === 'utf-8' ? text : asBuffer(bytes).toString('base64');
  return {
    form,
    files: files.map(({ head: _head, body: _body, ...file }) => file),
    files_total: new Set(files.map(({ path }) => path)).size,
    insertions: files.reduce((sum, file) => sum + file.insertions, 0),
    deletions: files.reduce((sum, file) => sum + file.deletions, 0),
    bytes: bytes.length,
    encoding,
    /** Null: it is larger; ask for it in another way. */
    content: bytes.length <= bytes_max ? whole : null,
  };
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Of a mission without a repository: what its tasks answered, each text as a file that is new. */
function readDocuments(text: string): readonly ShownFile[] {
  const outputs = outputsOf(text);
  if (outputs === null) throw new UnreadableContent('it is neither a patch nor the documents of a mission without a repository');
  return outputs.map((output, nth) => {
    const body = (output.endsWith('\n') ? output.slice(0, -1) : output).split('\n').map((line) => `+${line}`);
    const path = outputs.length === 1 ? 'output' : `output-${String(nth + 1)}`;
    return {
      path,
      change: 'added',
      old_mode: null,
      new_mode: null,
      insertions: body.length,
      deletions: 0,
      binary: null,
      head: [`document ${path}`],
      body,
    };
  });
}

function outputsOf(text: string): readonly string[] | null {
  try {
    const value = JSON.parse(text) as { readonly outputs?: unknown } | null;
    const outputs = value?.outputs;
    return Array.isArray(outputs) && outputs.every((output) => typeof output === 'string') ? outputs : null;
  } catch {
    return null;
  }
}
