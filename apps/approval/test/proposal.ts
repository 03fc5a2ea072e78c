/** What release proposes for a mission that says hello. */
import type { DataOf } from '@baton/contracts';
import { digestOf } from '@baton/handling';

export const CONTENT = digestOf('what was shown');

export const proposal = (
  mission_id: string,
  risk: 'low' | 'medium' | 'high',
  requested_by = 'ada',
): DataOf<'ReleaseProposed'> => ({
  mission_id,
  revision: 1,
  content_digest: CONTENT,
  delivery: {
    title: 'Say hello',
    requested_by,
    repository: { url: 'https://git.example.org/team/shop.git', target: 'main' },
    criteria: [{ id: 'says-hello', statement: 'HELLO.md says hello' }],
    rollback: 'Revert the one commit that lands.',
    risk,
    contract_digest: digestOf('contract'),
  },
  change: {
    artifact: digestOf('patch'),
    base_commit: 'a'.repeat(40),
    base_tree: 'b'.repeat(40),
    tree: 'c'.repeat(40),
    files: ['HELLO.md'],
    insertions: 1,
    deletions: 0,
  },
  checks: [{ criterion_id: 'says-hello', statement: 'HELLO.md says hello', exit_code: 0 }],
});
