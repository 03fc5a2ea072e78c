import { describe, expect, it } from '@jest/globals';
import { contentForPrograms, readContent } from './content.ts';
import { readPatch, UnreadableContent } from './patch.ts';

const OLD = '1'.repeat(40);
const NEW = '2'.repeat(40);
const patch = (...lines: readonly string[]): string => `${lines.join('\n')}\n`;
const added = (path: string, ...lines: readonly string[]): readonly string[] => [
  `diff --git a/${path} b/${path}`,
  'new file mode 100644',
  `index ${'0'.repeat(40)}..${NEW}`,
  '--- /dev/null',
  `+++ b/${path}`,
  `@@ -0,0 +1,${String(lines.length)} @@`,
  ...lines.map((line) => `+${line}`),
];

describe('a patch that is read', () => {
  it('has each file by itself, with its lines counted', () => {
    const changed = [
      'diff --git a/one.txt b/one.txt',
      `index ${OLD}..${NEW} 100755`,
      '--- a/one.txt',
      '+++ b/one.txt',
      '@@ -1,3 +1,2 @@ function',
      ' one',
      '-two',
      '-three',
      '+3',
      '\\ No newline at end of file',
      '@@ -9 +8 @@',
      '-nine',
      '+9',
    ];
    const files = readPatch(patch(...changed, ...added('two.txt', 'a', 'b')));
    expect(files).toMatchObject([
      { path: 'one.txt', change: 'changed', old_mode: '100755', new_mode: '100755', insertions: 2, deletions: 3, binary: null },
      { path: 'two.txt', change: 'added', old_mode: null, new_mode: '100644', insertions: 2, deletions: 0 },
    ]);
    expect(files[0]).toMatchObject({ head: changed.slice(0, 4), body: changed.slice(4) });
  });

  it('takes no content for the beginning of another file, whatever it looks like', () => {
    const forged = ['diff --git a/good b/good', '-- a/good', '++ b/good', '@@ -1 +1 @@', 'GIT binary patch', ''];
    const files = readPatch(patch(...added('evil.sh', ...forged)));
    expect(files).toMatchObject([{ path: 'evil.sh', insertions: forged.length }]);
  });

  it('has what has no lines: a mode, an empty file, binary content', () => {
    const files = readPatch(
      patch(
        'diff --git a/run b/run',
        'old mode 100644',
        'new mode 100755',
        'diff --git a/empty b/empty',
        'deleted file mode 100644',
        `index ${OLD}..${'0'.repeat(40)}`,
        'diff --git a/logo.png b/logo.png',
        `index ${OLD}..${NEW} 100644`,
        'GIT binary patch',
        'delta 12',
        'TcmZQzXE0!3U|?VXVi*7b0AK(H',
        '',
        'literal 999',
        'TcmZQzXE0!3U|?VXVi*7b0AK(H',
        '',
      ),
    );
    expect(files).toMatchObject([
      { path: 'run', change: 'changed', old_mode: '100644', new_mode: '100755', insertions: 0, deletions: 0, binary: null },
      { path: 'empty', change: 'removed', old_mode: '100644', new_mode: null },
      { path: 'logo.png', change: 'changed', binary: { form: 'delta', bytes: 12 }, body: [] },
    ]);
  });

  it.each([
    ['a b/ b/c', 'a/a b/ b/c b/a b/ b/c', 'a b/ b/c'],
    ['in quotes', '"a/sch\\303\\266n \\"x\\"\\t\\\\" "b/sch\\303\\266n \\"x\\"\\t\\\\"', 'schön "x"\t\\'],
    ['in quotes, in UTF-8', '"a/schön\\033" "b/schön\\033"', 'schön\u001B'],
  ])('has the name that was meant: %s', (_, names, path) => {
    expect(readPatch(patch(`diff --git ${names}`, 'old mode 100644', 'new mode 100755'))).toMatchObject([{ path }]);
  });

  it.each([
    ['a rename', ['diff --git a/x b/y', 'similarity index 100%', 'rename from x', 'rename to y']],
    ['a header that is not known', ['diff --git a/x b/x', 'similarity index 100%']],
    ['content before the first hunk', ['diff --git a/x b/x', `index ${OLD}..${NEW} 100644`, '+hidden']],
    ['a line too many', [...added('x', 'a'), '+hidden']],
    ['a hunk that goes on in another file', [...added('x', 'a', 'b').slice(0, -1), ...added('y', 'a')]],
    ['a hunk that is cut', added('x', 'a', 'b').slice(0, -1)],
    ['lines that belong to neither side', ['diff --git a/x b/x', '@@ -1 +1 @@', 'hidden', '-a', '+b']],
    ['binary content without any', ['diff --git a/x b/x', 'GIT binary patch', 'hidden']],
    ['binary content that is cut', ['diff --git a/x b/x', 'GIT binary patch', 'literal 1', 'IcmZQz']],
  ])('is refused rather than shown in part: %s', (_, lines) => {
    expect(() => readPatch(patch(...lines))).toThrow(UnreadableContent);
  });
});

describe('the content of a decision', () => {
  it('is given to programs to the byte, also where it is no text', () => {
    const bytes = Buffer.concat([Buffer.from(patch(...added('x', 'a'))).subarray(0, -2), Buffer.from([0xff, 0x0a])]);
    const told = contentForPrograms(readContent(bytes));
    expect(told).toMatchObject({ form: 'patch', files_total: 1, insertions: 1, deletions: 0, encoding: 'base64' });
    expect(told).toMatchObject({ content: bytes.toString('base64'), bytes: bytes.length });
    const text = patch(...added('x', 'a'));
    expect(contentForPrograms(readContent(Buffer.from(text)))).toMatchObject({ encoding: 'utf-8', content: text });
    expect(contentForPrograms(readContent(Buffer.from(text)), 10)).toMatchObject({ content: null, bytes: text.length });
  });

  it('is the documents of a mission that has no repository', () => {
    const bytes = Buffer.from(JSON.stringify({ baton: 'outputs/v1', outputs: ['One\nTwo\n', 'diff --git a/x b/x'] }));
    expect(readContent(bytes)).toMatchObject({
      form: 'documents',
      files: [
        { path: 'output-1', change: 'added', insertions: 2, body: ['+One', '+Two'] },
        { path: 'output-2', insertions: 1, body: ['+diff --git a/x b/x'] },
      ],
    });
  });

  it.each(['', 'hello', '{}', 'null', '{"outputs":[1]}'])('is nothing else: %j', (text) => {
    expect(() => readContent(Buffer.from(text))).toThrow(UnreadableContent);
  });
});
