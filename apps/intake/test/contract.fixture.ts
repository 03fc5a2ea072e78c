// The smallest good contract for a repository, and ways to spoil it.

export type Loose = { [key: string]: unknown };

export const contract = (change: Loose = {}): Loose => ({
  baton: 'mission/v1',
  title: 'Say hello',
  objective: 'The repository greets whoever opens it.',
  repository: { url: 'https://git.example.org/team/shop.git' },
  scope: { include: ['HELLO.md'] },
  non_goals: ['Changing any other file'],
  criteria: [criterion()],
  rollback: 'Revert the one commit that lands.',
  risk: 'low',
  agent: { runtime: 'command', command: ['greet'] },
  ...change,
});

export const criterion = (change: Loose = {}): Loose => ({
  id: 'says-hello',
  statement: 'HELLO.md says hello',
  check: { run: ['grep', '-q', 'Hello', 'HELLO.md'] },
  ...change,
});

export const without = (key: string, body: Loose = contract()): Loose => {
  const { [key]: _left, ...rest } = body;
  return rest;
};
