// A throw-away workspace in which a violation can be planted, so that every rule is seen to bite.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { env, execPath } from 'node:process';

export const REPOSITORY = dirname(dirname(dirname(import.meta.dirname)));

export type Scratch = {
  readonly root: string;
  write(files: Readonly<Record<string, string>>): void;
  /** Copies files or folders of the repository to the same place. */
  copy(...paths: readonly string[]): void;
  link(path: string, target: string): void;
  run(tool: string, ...args: readonly string[]): { status: number | null; stdout: string; stderr: string };
  remove(): void;
};

export function createScratch(): Scratch {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'baton-tidy-')));
  const bin = join(REPOSITORY, 'node_modules', '.bin');
  return {
    root,
    write(files) {
      for (const [path, text] of Object.entries(files)) {
        mkdirSync(dirname(join(root, path)), { recursive: true });
        writeFileSync(join(root, path), text);
      }
    },
    copy(...paths) {
      for (const path of paths) cpSync(join(REPOSITORY, path), join(root, path), { recursive: true });
    },
    link(path, target) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      symlinkSync(target, join(root, path), 'junction');
    },
    run(tool, ...args) {
      const path = [bin, dirname(execPath), env['PATH']].join(delimiter);
      const { status, stdout, stderr, error } = spawnSync(join(bin, tool), args, {
        cwd: root,
        encoding: 'utf8',
        env: { ...env, PATH: path, NODE_OPTIONS: '' },
        maxBuffer: OUTPUT_BYTES_MAX,
      });
      if (error !== undefined) throw new Error(`${tool} could not be run; is npm ci done?`, { cause: error });
      return { status, stdout, stderr };
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;
