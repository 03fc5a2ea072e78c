/**
 * What a process of this service held that died on this machine is due as soon as another one starts here, instead of when its
 * lease runs out. Only the kernel is believed: the number of the process must be free, in the same boot and the same space of
 * process numbers in which it was given out. Nobody's work is taken that way that the lease would not have taken: who works under a
 * stale lease is refused by the version of its stream, and lands by compare and swap.
 */
import { hash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import type { EventStore } from '@baton/event-store';
import type { Logger } from '@baton/telemetry';

const PLACE_CHARS = 12;
const HOLDER = /-(?<place>[0-9a-f]{12})-(?<pid>[1-9][0-9]{0,9})-[0-9a-f]{8}$/;

/** Where a process number means one process; null where the system does not say: then leases run out by themselves. */
export function placeOfProcesses(): string | null {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const numbers = readlinkSync('/proc/self/ns/pid');
    return hash('sha256', [boot, numbers, hostname()].join('\n'), 'hex').slice(0, PLACE_CHARS);
  } catch {
    return null;
  }
}

/** False also where it cannot be known: another machine, a name that was given by hand, a number that somebody has again. */
export function isKnownToBeDead(holder: string, place: string | null = placeOfProcesses()): boolean {
  const named = HOLDER.exec(holder)?.groups;
  if (place === null || named?.['place'] !== place) return false;
  try {
    process.kill(Number(named['pid']), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

export async function letPredecessorsGo({ predecessors }: Pick<EventStore, 'predecessors'>, logger: Logger): Promise<void> {
  try {
    const place = placeOfProcesses();
    const dead = (await predecessors.holders()).filter((holder) => isKnownToBeDead(holder, place));
    if (dead.length === 0) return;
    logger.info({ dead, let_go: await predecessors.letGo(dead) }, 'predecessors-let-go');
  } catch (err) {
    logger.warn({ err }, 'predecessors-kept');
  }
}
