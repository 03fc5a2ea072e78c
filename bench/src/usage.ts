/** What the processes of a stack cost, as the kernel counts it (Linux /proc): processor seconds and memory of each and its children. */
import { readdir, readFile } from 'node:fs/promises';

/** `sysconf(_SC_CLK_TCK)`; 100 on every Linux that Node runs on. */
const TICKS_PER_S = 100;

interface Stat {
  readonly parent: number;
  readonly cpu_s: number;
}

async function statOf(pid: number): Promise<Stat | null> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The name in brackets may hold spaces; the fields are counted behind it: state, ppid, …, utime, stime, cutime, cstime.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const ticks = [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index]), 0);
    return { parent: Number(fields[1]), cpu_s: ticks / TICKS_PER_S };
  } catch {
    return null; // It ended while we looked.
  }
}

/** These processes and all they started. */
export async function family(roots: Iterable<number>): Promise<Map<number, Stat>> {
  const all = new Map<number, Stat>();
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  await Promise.all(
    names.map(async (name) => {
      const stat = await statOf(Number(name));
      if (stat) all.set(Number(name), stat);
    }),
  );
  const members = new Set(roots);
  for (let before = -1; before !== members.size;) {
    before = members.size;
    for (const [pid, stat] of all) if (members.has(stat.parent)) members.add(pid);
  }
  return new Map([...all].filter(([pid]) => members.has(pid)));
}

export async function cpuSeconds(pids: Readonly<Record<string, number>>): Promise<Map<string, number>> {
  const used = new Map<string, number>();
  for (const [name, pid] of Object.entries(pids)) {
    const stats = await family([pid]);
    used.set(
      name,
      [...stats.values()].reduce((sum, stat) => sum + stat.cpu_s, 0),
    );
  }
  return used;
}

/** Proportional memory: what is shared between processes counts once. */
export async function memoryMb(pids: Readonly<Record<string, number>>): Promise<number> {
  let kb = 0;
  for (const pid of (await family(Object.values(pids))).keys()) {
    const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
    kb += Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0);
  }
  return kb / 1_024;
}
