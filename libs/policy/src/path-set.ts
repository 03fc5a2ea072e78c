/** Glob patterns as one regular expression: `*` and `?` stay within a folder, `**` crosses folders, `{a,b}` is not known. */

const PARTS = /\*\*\/|\*\*|\*|\?|[^*?]+/g;

function sourceOf(pattern: string): string {
  return pattern.replace(PARTS, (part) => {
    if (part === '**/') return '(?:.*/)?';
    if (part === '**') return '.*';
    if (part === '*') return '[^/]*';
    if (part === '?') return '[^/]';
    return part.replace(/[\\^$.+()[\]{}|]/g, '\\$&');
  });
}

/** Whether any of the paths matches any of the patterns. Letter case is ignored: on some disks it makes no difference. */
export function touches(patterns: readonly string[]): (paths: readonly string[]) => boolean {
  const any = new RegExp(`^(?:${patterns.map(sourceOf).join('|')})$`, 'is');
  return (paths) => paths.some((path) => any.test(path));
}
