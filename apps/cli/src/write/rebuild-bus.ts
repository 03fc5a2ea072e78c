/** The event stream is made anew from the log, which is the record: whatever the bus held that the log does not is gone from it. */
import { PROVISIONER, connectBus, ensureTopology, lowestWatermark, type BusConnection, type BusLogger } from '@baton/bus';
import { EVENT_STREAM } from '@baton/contracts';
import type { EventLog, Watermarks } from '@baton/ports';
import { setTimeout as delay } from 'node:timers/promises';
import { nkeySeed } from '../config.ts';
import type { Context } from '../context.ts';
import { CliProblem, EXIT } from '../exit-codes.ts';
import { busHead } from '../read/bus-copy.ts';
import { CHECKPOINTS_FIX, findCheckpoints } from '../read/checkpoints.ts';
import { requireSecrets } from '../read/connect.ts';
import { verifyRecord } from '../read/verify.ts';
import { requireStack } from '../stack/home.ts';
import { withinMs } from '../stack/provision.ts';
import { nkeyOf } from '../stack/secrets.ts';

const CONNECT_MS_MAX = 15_000;
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

export async function rebuildBus(
  context: Context,
  { log, watermarks }: Record,
  progress: (text: string) => void,
): Promise<RebuiltBus> {
  progress('proving that the log is whole');
  const {
    log: { first_bad },
    checkpoints,
  } = await verifyRecord(log, await findCheckpoints(context, {}));
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
  const bus = await asProvisioner(context);
  try {
    const kept = await watermarks.read();
    const before = (await busHead(bus))?.last_sequence ?? null;
    const first_sequence = lowestWatermark(kept) + 1;
    progress(`deleting ${EVENT_STREAM}${before === null ? ', which is not there' : ` (ended at ${String(before)})`}`);
    await makeAnew(bus, kept, first_sequence);
    await untilCopied(bus, log, progress);
    return { before, first_sequence, head: (await log.head()).position };
  } finally {
    await bus.close();
  }
}

/** Requests from outside that wait on the inbound stream are nowhere else: that stream stays. */
async function makeAnew(bus: BusConnection, kept: ReadonlyMap<string, number>, first_sequence: number): Promise<void> {
  for (let attempt = 1; attempt <= MADE_ATTEMPTS_MAX; attempt++) {
    await bus.connection.request(`$JS.API.STREAM.DELETE.${EVENT_STREAM}`, undefined, { timeout: REQUEST_MS_MAX });
    const { created } = await ensureTopology(bus.connection, {
      replicas: 1,
      event_stream_first_sequence: first_sequence,
      consumer_start: kept,
    });
    // The relay makes it in the same way: whoever was first, it is a stream that starts where it has to.
    if (created.includes(EVENT_STREAM) || (await busHead(bus)) !== null) return;
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

function asProvisioner(context: Context): Promise<BusConnection> {
  const { config } = context;
  const servers = config.BATON_NATS_URL ?? requireStack(context.home).nats_url;
  const nkey_seed = config.BATON_NATS_URL === undefined ? nkeyOf(requireSecrets(context), PROVISIONER).seed : nkeySeed(config);
  return withinMs(
    connectBus({ servers, user: PROVISIONER, nkey_seed, logger: silent }),
    CONNECT_MS_MAX,
    `nats-server at ${servers} does not let the provisioner in`,
  );
}

const silent: BusLogger = { info: () => undefined, warn: () => undefined, error: () => undefined, fatal: () => undefined };
