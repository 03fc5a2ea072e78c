/**
 * Appends that wait while one call is under way go together in the next one: no timer, no added latency.
 * One call is in flight at a time. An append is answered only when its outcome is known for certain.
 */
import type pg from 'pg';
import { failpoint, type Append, type Appended } from '@baton/ports';
import { appendGroup, checkedBytes, isDuplicate } from './append.ts';
import { ATTEMPTS_MAX, failureOf, pauseBefore, StoreUnreachable, type Ask } from './connections.ts';
import { loadPage } from './load.ts';

const GROUP_APPENDS_MAX = 200;
const GROUP_BYTES_MAX = 1_048_576;
/** Beyond this the process takes in more than Postgres can keep; its callers must slow down. */
const WAITING_APPENDS_MAX = 20_000;

export interface GroupCommit {
  append(append: Append): Promise<Appended>;
  /** Keeps the bytes with the next group; false = there is no room for them. */
  stage(digest: string, bytes: Buffer): boolean;
  staged(digest: string): Buffer | undefined;
  /** Takes no more; resolves when everything taken is answered. */
  close(): Promise<void>;
}

/** What waits to be kept with the next group. */
const STAGED_BYTES_MAX = 1_048_576;
type Staged = Map<string, Buffer>;

interface Waiting {
  readonly append: Append;
  readonly bytes: number;
  readonly resolve: (outcome: Appended) => void;
  readonly reject: (error: unknown) => void;
}

export function groupCommit(pool: pg.Pool, ask: Ask, onGroup: (appends: number) => void = () => undefined): GroupCommit {
  let waiting: Waiting[] = [];
  const staged: Staged = new Map();
  let staged_bytes = 0;
  let running: Promise<void> | null = null;
  let closed = false;

  async function run(): Promise<void> {
    // Let everything that this turn of the event loop leads to get in: what came over one socket read is decided in it.
    await new Promise(setImmediate);
    while (waiting.length > 0) {
      const size = groupSize(waiting);
      const group = waiting.slice(0, size);
      waiting = waiting.slice(size);
      onGroup(size);
      const artifacts = new Map(staged);
      if (await settle({ pool, ask, artifacts }, group)) forgetStaged(artifacts);
    }
    running = null;
  }

  function forgetStaged(kept: Staged): void {
    for (const [digest, bytes] of kept) if (staged.delete(digest)) staged_bytes -= bytes.length;
  }

  return {
    append: (append) =>
      new Promise((resolve, reject) => {
        if (closed) throw new Error(`the event store is closed: nothing was appended to ${append.stream}`);
        if (waiting.length >= WAITING_APPENDS_MAX)
          throw new Error(
            `${String(WAITING_APPENDS_MAX)} appends are waiting: nothing was appended to ${append.stream}; try later`,
          );
        waiting.push({ append, bytes: checkedBytes(append), resolve, reject });
        running ??= run();
      }),
    stage: (digest, bytes) => {
      if (closed || staged_bytes + bytes.length > STAGED_BYTES_MAX) return false;
      if (!staged.has(digest)) staged_bytes += bytes.length;
      staged.set(digest, bytes);
      return true;
    },
    staged: (digest) => staged.get(digest),
    close: async () => {
      closed = true;
      await running;
    },
  };
}

interface Sending {
  readonly pool: pg.Pool;
  readonly ask: Ask;
  readonly artifacts: Staged;
}

/** A stream is in a group once: its next append waits for the outcome of this one. */
function groupSize(waiting: readonly Waiting[]): number {
  const streams = new Set<string>();
  let bytes = 0;
  for (const { append, bytes: more } of waiting) {
    bytes += more;
    if (streams.size > 0 && (bytes > GROUP_BYTES_MAX || streams.size === GROUP_APPENDS_MAX || streams.has(append.stream))) break;
    streams.add(append.stream);
  }
  return streams.size;
}

/** Never rejects: each member gets its outcome or its error. True = what was staged is kept. */
async function settle(sending: Sending, group: readonly Waiting[]): Promise<boolean> {
  try {
    const outcomes = await appendCertainly(
      sending,
      group.map((member) => member.append),
    );
    group.forEach((member, index) => {
      member.resolve(outcomes[index] as Appended);
    });
    return true;
  } catch (error) {
    if (group.length > 1 && failureOf(error) === 'refused') {
      // One of them is at fault and none was written: send them one by one, so that only the guilty one fails.
      let kept = false;
      for (const member of group) kept = (await settle(sending, [member])) || kept;
      return kept;
    }
    if (isDuplicate(error)) group[0]!.resolve({ status: 'duplicate-event' });
    else for (const member of group) member.reject(error);
    return false;
  }
}

/** A group is sent again after a broken connection: ids are unique, so nothing can be appended twice. */
async function appendCertainly({ pool, ask, artifacts }: Sending, group: readonly Append[]): Promise<readonly Appended[]> {
  let may_be_committed = false;
  for (let attempt = 1; ; attempt++) {
    try {
      failpoint('before-append');
      const outcomes = await appendGroup(pool, group, [...artifacts.values()]);
      failpoint('after-append');
      if (!may_be_committed) return outcomes;
      return await Promise.all(group.map((append, index) => asCommittedBefore(ask, append, outcomes[index] as Appended)));
    } catch (error) {
      const failure = failureOf(error);
      if (failure === 'refused') throw error;
      if (attempt === ATTEMPTS_MAX)
        throw new StoreUnreachable(`the append of ${String(group.length)} to ${(group[0] as Append).stream} and others`, error);
      may_be_committed ||= failure === 'broken';
      await pauseBefore(attempt + 1);
    }
  }
}

/** A conflict after a broken connection may be a conflict with ourselves: then the stored events are the outcome. */
async function asCommittedBefore(ask: Ask, append: Append, outcome: Appended): Promise<Appended> {
  if (outcome.status === 'appended') return outcome;
  const events = await loadPage(ask, append.stream, append.expected_version, append.events.length);
  const ours = events.length === append.events.length && events.every((event, index) => event.id === append.events[index]?.id);
  return ours ? { status: 'appended', events } : outcome;
}
