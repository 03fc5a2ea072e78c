/** What was signed about the log outside its database; and the one thing an operator may add to it, a new start after a restore. */
import {
  REASON_CHARS_MAX,
  UnusableKey,
  addVerifierKey,
  appendNote,
  readSigningKey,
  signCheckpoint,
  type Checkpoint,
  type CheckpointsVerified,
  type SigningKey,
} from '@baton/event-store';
import { sealerKey } from '../config.ts';
import type { Context } from '../context.ts';
import { CliProblem, EXIT, type ExitCode } from '../exit-codes.ts';
import { colour, plural } from '../format.ts';
import { CHECKPOINTS_FIX, findCheckpoints, pathsOf } from '../read/checkpoints.ts';
import { reading } from '../read/connect.ts';
import { requireSecrets } from '../read/servers.ts';
import { verifyRecord } from '../read/verify.ts';
import { sealerKeyOf } from '../stack/secrets.ts';

export function checkpointLines(verified: CheckpointsVerified, file: string): readonly string[] {
  const { agreeing, last_agreeing, problem, new_starts, cut_short, not_compared } = verified;
  const upTo = last_agreeing === null ? '' : ` up to ${String(last_agreeing.position)}, sealed at ${last_agreeing.sealed_at}`;
  return [
    problem === null
      ? `${colour.green('✓')} checkpoints: ${plural(agreeing, 'checkpoint')} outside the database, and the log is what they say${upTo}`
      : `${colour.red('✗')} checkpoints: ${problem}`,
    ...(problem === null ? [] : [`  ${colour.cyan('fix')} ${CHECKPOINTS_FIX}`]),
    ...(problem !== null && last_agreeing !== null
      ? [`  the last that agrees is of ${last_agreeing.sealed_at}, at position ${String(last_agreeing.position)}`]
      : []),
    ...(not_compared > 0 ? [colour.dim(`  ${plural(not_compared, 'checkpoint')} behind that position not compared`)] : []),
    ...new_starts.map(({ start, sealed_at, keeps, reason, set_aside }) =>
      colour.yellow(
        `  start ${String(start)}, recorded at ${sealed_at}: ${plural(set_aside, 'checkpoint')} behind position ${String(keeps)} set aside: ${reason}`,
      ),
    ),
    ...(cut_short.length > 0
      ? [colour.dim(`  cut short, as by a power loss, and passed over: line ${cut_short.join(', ')} of ${file}`)]
      : []),
  ];
}

export async function list(context: Context): Promise<ExitCode> {
  const { out } = context;
  const paths = pathsOf(context);
  const found = await findCheckpoints(context, {});
  const last = found?.checkpoints.at(-1);
  if (found === null || last === undefined) out.line(`There is no checkpoint in ${paths.checkpoints} yet.`);
  else {
    out.line(
      `${plural(found.checkpoints.length, 'checkpoint')} of log ${last.epoch}, the last at position ${String(last.position)}, sealed at ${last.sealed_at}`,
    );
    out.line(`  file  ${paths.checkpoints}`);
    out.line(`  key   ${paths.keys}`);
    out.line(
      colour.dim(
        '  keep copies of both where nobody who can write to the database can write: baton verify --checkpoints FILE --key FILE',
      ),
    );
  }
  out.result({ ...paths, last: last ?? null, count: found?.checkpoints.length ?? 0, faults: found?.faults ?? [] });
  return EXIT.ok;
}

/** Only for a log that is whole in itself and contradicts its checkpoints: everything else is no new start. */
export async function newStart(context: Context, { reason }: { readonly reason: string }): Promise<ExitCode> {
  const { out } = context;
  if (reason.trim() === '' || reason.length > REASON_CHARS_MAX)
    throw new CliProblem(EXIT.invalid, `--reason has to say why, in at most ${String(REASON_CHARS_MAX)} characters`);
  const key = signingKey(context);
  const paths = pathsOf(context);
  const found = await findCheckpoints(context, {});
  const newest = found?.checkpoints.reduce<Checkpoint | null>((a, b) => (a !== null && a.start > b.start ? a : b), null) ?? null;
  if (found === null || newest === null)
    throw new CliProblem(
      EXIT.refused,
      `there is no checkpoint in ${paths.checkpoints} to begin anew after`,
      'the relay makes the first one by itself',
    );
  const { log, checkpoints, epoch } = await reading(context, async ({ store }) => ({
    ...(await verifyRecord(store.log, found)),
    epoch: await store.epoch(),
  }));
  if (log.first_bad !== undefined)
    throw new CliProblem(
      EXIT.damaged,
      `position ${String(log.first_bad.position)} of the log: ${log.first_bad.problem}`,
      'restore the log first, see deploy/runbooks/rebuild-log.md',
    );
  const disagrees = (checkpoints?.first_disagreeing ?? null) !== null;
  if (!disagrees && epoch === newest.epoch)
    throw new CliProblem(
      EXIT.refused,
      'the log agrees with every checkpoint: there is nothing to begin anew',
      checkpoints?.problem ?? '',
    );
  const keeps = epoch === newest.epoch ? (checkpoints?.last_agreeing?.position ?? 0) : 0;
  const first: Checkpoint = {
    epoch,
    start: newest.start + 1,
    ...log.head,
    sealed_at: new Date().toISOString(),
    begins: { keeps, reason },
  };
  await addVerifierKey(paths.keys, key.verifier);
  await appendNote(paths.checkpoints, signCheckpoint(first, key));
  out.line(
    `${colour.green('✓')} Start ${String(first.start)} is recorded, from position ${String(first.position)} on; of the checkpoints before, those up to ${String(keeps)} still hold.`,
  );
  // Such a directory may be the relay's own or a copy: from here the two look the same.
  const to_bring = context.config.BATON_CHECKPOINTS_DIR !== undefined;
  out.line(
    to_bring
      ? `  Bring ${paths.checkpoints} and ${paths.keys} to the directory of the relay, unless they lie there (deploy/runbooks/sealer-refuses.md): it goes on sealing within a minute then, and not before.`
      : '  The relay goes on sealing within a minute.',
  );
  out.result({ ...first, file: paths.checkpoints, keys: paths.keys, to_bring });
  return EXIT.ok;
}

function signingKey(context: Context): SigningKey {
  const text =
    context.config.BATON_CHECKPOINTS_DIR === undefined ? sealerKeyOf(requireSecrets(context)) : sealerKey(context.config);
  if (text === undefined)
    throw new CliProblem(
      EXIT.invalid,
      'a new start has to be signed: BATON_SEALER_KEY is not set',
      'set BATON_SEALER_KEY or BATON_SEALER_KEY_FILE to the key of the relay',
    );
  try {
    return readSigningKey(text);
  } catch (error) {
    if (!(error instanceof UnusableKey)) throw error;
    throw new CliProblem(EXIT.invalid, error.message, 'see BATON_SEALER_KEY', { cause: error });
  }
}
