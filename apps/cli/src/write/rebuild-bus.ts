/** The event stream is made anew from the log, which is the record: whatever the bus held that the log does not is gone from it. */
import { PROVISIONER, ensureTopology, lowestWatermark, type BusConnection } from '@baton/bus';
import { EVENT_STREAM, INBOUND_STREAM } from '@baton/contracts';
import type { EventLog, Watermarks } from '@baton/ports';
import { setTimeout as delay } from 'node:timers/promises';
import type { Context } from '../context.ts';
import { CliProblem, EXIT } from '../exit-codes.ts';
import { busHead, replicasOf } from '../read/bus-copy.ts';
import { CHECKPOINTS_FIX, findCheckpoints, pathsOf } from '../read/checkpoints.ts';
import { withBusAs } from '../read/servers.ts';
import { verifyRecord } from '../read/verify.ts';

const REQUEST_MS_MAX = 10_000;
const POLL_MS = 100;
/** A halted relay looks again every two seconds; then it copies tens of thousands of events a second. */
const COPIED_MS_MAX = 120_000;
/** The relay makes what is missing as well, and may have made it at once from a watermark that is older than ours. */
const MADE_ATTEMPTS_MAX = 5;

export interface RebuiltBus {
  /** Last sequence of the stream that was there; null = there was none. */
  readonly before: number | null;
  /** From here on the new one has everything: no consumer needs what lies before. */
  readonly first_sequence: number;
  readonly head: number;
}

interface Record {
  readonly log: Pick<EventLog, 'readAfter' | 'head'>;
  readonly watermarks: Pick<Watermarks, 'read'>;
}

export interface RebuildOptions {
  /** False: what was signed about the log is not looked at. */
  readonly checkpoints?: boolean | undefined;
  /** The new one also has what comes from this position on, though every consumer has handled it. */
  readonly from?: number | undefined;
}

export async function rebuildBus(
  context: Context,
  { log, watermarks }: Record,
  options: RebuildOptions,
  progress: (text: string) => void,
): Promise<RebuiltBus> {
  progress('proving that the log is whole');
  await requireTrueLog(context, log, options);
  return withBusAs(context, PROVISIONER, async (bus) => {
    const kept = await watermarks.read();
    const before = (await busHead(bus))?.last_sequence ?? null;
    const from = options.from ?? Infinity;
    const first_sequence = Math.min(lowestWatermark(kept) + 1, from);
    const replicas = await replicasWanted(context, bus);
    progress(`deleting ${EVENT_STREAM}${before === null ? ', which is not there' : ` (ended at ${String(before)})`}`);
    await makeAnew(bus, { kept, first_sequence, from, replicas });
    await untilCopied(bus, log, progress);
    return { before, first_sequence, head: (await log.head()).position };
  });
}

/** The bus may be the only true copy of a log that was damaged, cut or rewritten: it is thrown away for none that is not proved. */
async function requireTrueLog(context: Context, log: Record['log'], { checkpoints: look }: RebuildOptions): Promise<void> {
  const found = await findCheckpoints(context, { checkpoints: look });
  if ((found === null || found.checkpoints.length === 0) && look !== false)
    throw new CliProblem(
      EXIT.refused,
      `there are no checkpoints in ${pathsOf(context).checkpoints}, so nobody can tell whether the log was cut or rewritten as a whole; the bus may be the only true copy, so it is left as it is`,
      'name the directory of the checkpoints with BATON_CHECKPOINTS_DIR; where none were ever made, say --no-checkpoints',
    );
  const {
    log: { first_bad },
    checkpoints,
  } = await verifyRecord(log, found);
  if (first_bad !== undefined)
    throw new CliProblem(
      EXIT.damaged,
      `position ${String(first_bad.position)} of the log: ${first_bad.problem}; the bus may be the only whole copy, so it is left as it is`,
      'restore the log first, see deploy/runbooks/rebuild-log.md',
    );
  if (checkpoints !== null && checkpoints.problem !== null)
    throw new CliProblem(
      EXIT.damaged,
      `${checkpoints.problem}; the bus may hold what is missing, so it is left as it is`,
      CHECKPOINTS_FIX,
    );
}

/** As many copies as somebody says, or else as many as there are. */
async function replicasWanted({ config }: Context, bus: BusConnection): Promise<number> {
  return config.BATON_NATS_REPLICAS ?? (await replicasOf(bus, EVENT_STREAM)) ?? (await replicasOf(bus, INBOUND_STREAM)) ?? 1;
}

interface NewStream {
  readonly kept: ReadonlyMap<string, number>;
  readonly first_sequence: number;
  /** Asked for; Infinity = nobody needs more than the watermarks say. */
  readonly from: number;
  readonly replicas: number;
}

/** Requests from outside that wait on the inbound stream are nowhere else: that stream stays. */
async function makeAnew(bus: BusConnection, { kept, first_sequence, from, replicas }: NewStream): Promise<void> {
  for (let attempt = 1; attempt <= MADE_ATTEMPTS_MAX; attempt++) {
    await bus.connection.request(`$JS.API.STREAM.DELETE.${EVENT_STREAM}`, undefined, { timeout: REQUEST_MS_MAX });
    const { created } = await ensureTopology(bus.connection, {
      replicas,
      event_stream_first_sequence: first_sequence,
      consumer_start: kept,
      // The requests from outside are a copy of nothing: that stream stays as it is.
      only_missing: true,
    });
    if (created.includes(EVENT_STREAM)) return;
    // The relay makes it in the same way: whoever was first, it will do if it starts where it has to.
    const made = await busHead(bus);
    if (made !== null && made.first_sequence <= from) return;
  }
  throw new CliProblem(EXIT.unexpected, `${EVENT_STREAM} was deleted by somebody else each time it was made`, 'try again');
}

async function untilCopied(bus: BusConnection, log: Record['log'], progress: (text: string) => void): Promise<void> {
  progress('waiting until the relay has copied the log');
  const deadline = performance.now() + COPIED_MS_MAX;
  for (;;) {
    const [head, { position }] = await Promise.all([busHead(bus), log.head()]);
    if (head !== null && head.last_sequence >= position) return;
    if (performance.now() > deadline)
      throw new CliProblem(
        EXIT.unreachable,
        `the bus ends at ${String(head?.last_sequence ?? 0)}, the log at ${String(position)}: no relay copies`,
        'start the relay; it goes on by itself, and `baton verify` says when it is done',
      );
    await delay(POLL_MS);
  }
}
