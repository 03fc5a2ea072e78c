/** Who belongs to a program that was started: read from the system, because children need not say so. */
import { readdirSync, readFileSync } from 'node:fs';
import process from 'node:process';

export interface ProcessRow {
  readonly id: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  readonly memory_bytes: number;
}

/** Of every Linux that Node runs on, except some kernels for ARM servers: there memory is counted too low. */
const PAGE_BYTES = 4_096;
const RSS_FIELD = 21;

/** All processes but zombies: those run nothing and may stay for ever where process 1 does not collect them. */
export function readProcesses(): readonly ProcessRow[] {
  const rows: ProcessRow[] = [];
  for (const entry of readdirSync('/proc')) {
    const id = Number(entry);
    if (!Number.isInteger(id) || id === process.pid) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'latin1');
      // "id (name) state parent group session …": the name may hold anything, also ")".
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const [state, parent, group, session] = fields;
      if (state === 'Z' || state === 'X') continue;
      const memory_bytes = Number(fields[RSS_FIELD]) * PAGE_BYTES;
      rows.push({ id, parent: Number(parent), group: Number(group), session: Number(session), memory_bytes });
    } catch {
      // Gone between the listing and the look.
    }
  }
  return rows;
}

/** The group and the session that a program leads (job control moves children to other groups), and all that descend from any of them. */
export function membersOf(rows: readonly ProcessRow[], leader: number): readonly ProcessRow[] {
  const children = Map.groupBy(rows, ({ parent }) => parent);
  const found = new Map<number, ProcessRow>();
  const queue = rows.filter(({ id, group, session }) => id === leader || group === leader || session === leader);
  for (let row = queue.pop(); row !== undefined; row = queue.pop()) {
    if (found.has(row.id)) continue;
    found.set(row.id, row);
    queue.push(...(children.get(row.id) ?? []));
  }
  return [...found.values()];
}
