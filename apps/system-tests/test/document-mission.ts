/** The smallest mission: one document, written by a command; its risk is what the policy that ships lets pass. */
export const documentMission = ({ works_s = 0 } = {}): object => ({
  baton: 'mission/v1',
  title: 'Write a document',
  objective: 'There is a document',
  scope: { include: ['**'] },
  non_goals: ['Anything else'],
  criteria: [{ id: 'written', statement: 'The document is not empty' }],
  rollback: 'Throw it away',
  risk: 'low',
  agent: {
    runtime: 'command',
    command: ['sh', '-c', `sleep ${works_s}; echo '{"baton":"result/v1","status":"done","summary":"wrote","output":"hello"}'`],
  },
});
