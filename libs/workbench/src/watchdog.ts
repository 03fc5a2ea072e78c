/**
 * Where there is no sandbox to do it: programs end with the process that started them, also when that is killed with -9.
 * One small shell per process of ours reads a pipe that closes when we die, and then kills the groups it was told of.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Writable } from 'node:stream';

/** "+12" and "-12" put a group on its list and off it. A session may have more than one group: the rest is found by its number. */
const SCRIPT = `
trap '' HUP INT TERM
groups=' '
while read -r line; do
  case "$line" in
    +*) groups="$groups\${line#+} " ;;
    -*) groups="\${groups%% \${line#-} *} \${groups#* \${line#-} }" ;;
  esac
done
[ "$groups" = ' ' ] && exit 0
for stat in /proc/[0-9]*/stat; do
  read -r line 2>/dev/null < "$stat" || continue
  id="\${line%% *}"
  set -- \${line##*) }
  case "$groups" in *" $3 "*|*" $4 "*) kill -KILL "$id" 2>/dev/null ;; esac
done
for group in $groups; do kill -KILL -- "-$group" 2>/dev/null; done
`;

export interface Watchdog {
  /** Returns how to take it off the list again. */
  watch(group: number): () => void;
}

export function watchdog(): Watchdog {
  let dog: ChildProcess | null = null;
  const groups = new Set<number>();
  const tell = (line: string): void => {
    if (dog === null) {
      dog = started(() => {
        dog = null;
      });
      // One that somebody killed took its list with it.
      for (const group of groups) dog.stdin?.write(`+${String(group)}\n`);
    } else dog.stdin?.write(`${line}\n`);
  };
  return {
    watch: (group) => {
      groups.add(group);
      tell(`+${String(group)}`);
      return () => {
        if (groups.delete(group)) tell(`-${String(group)}`);
      };
    },
  };
}

function started(onEnd: () => void): ChildProcess {
  // Of its own session: who kills our group (a terminal, a supervisor) must not kill it before it has done its work.
  const child = spawn('/bin/sh', ['-c', SCRIPT], { stdio: ['pipe', 'ignore', 'ignore'], detached: true, cwd: '/', env: {} });
  child.once('error', onEnd);
  child.once('exit', onEnd);
  child.stdin.on('error', () => undefined);
  // Neither the program nor its pipe keeps us from ending: that is when it acts.
  child.unref();
  (child.stdin as Writable & { unref(): void }).unref();
  return child;
}
