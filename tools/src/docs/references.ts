// What the written pages point at exists: links, files named in code type, scripts and commands that a reader would copy.
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const PAGES = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'docs/**/*.md', 'apps/*/README.md', 'libs/**/README.md'];
const FOLDERS = /^(apps|libs|tools|docs|deploy|examples|bench)\//;
/** Stands for several files, or for one that does not exist yet. */
const PATTERN = /[*{<…|]|NNNN/;

export const writtenPages = (root: string): string[] =>
  globSync(PAGES, { cwd: root, exclude: (path) => path.includes('node_modules') }).map((path) => path.replaceAll('\\', '/'));

/** One sentence for each thing that the page names and that is not there. */
export function brokenReferences(root: string, page: string, text: string, scripts: readonly string[]): string[] {
  const links = [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)]
    .map((match) => match[1] ?? '')
    .filter((link) => !/^[a-z]+:/.test(link));
  const files = [...text.matchAll(/`([^`\n]+)`/g)]
    .map((match) => (match[1] ?? '').split(' ')[0] ?? '')
    .filter((path) => FOLDERS.test(path) && !PATTERN.test(path));
  const named = [...text.matchAll(/npm run ([a-z:]+)/g)].map((match) => match[1] ?? '');
  return [
    ...links
      .filter((link) => !existsSync(join(root, dirname(page), link)))
      .map((link) => `${page} links to ${link}, which does not exist`),
    ...files.filter((path) => !existsSync(join(root, path))).map((path) => `${page} names ${path}, which does not exist`),
    ...named
      .filter((script) => !scripts.includes(script))
      .map((script) => `${page} names npm run ${script}, which package.json does not have`),
  ];
}

export function brokenPages(root: string): string[] {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
  return writtenPages(root).flatMap((page) =>
    brokenReferences(root, page, readFileSync(join(root, page), 'utf8'), Object.keys(scripts)),
  );
}
