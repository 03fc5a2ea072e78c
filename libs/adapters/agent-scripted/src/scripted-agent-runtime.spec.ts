import { describe, expect, it } from '@jest/globals';
import { keepsAgentRuntimeContract, taskEnvelope } from '@baton/testing';
import { scriptedAgentRuntime } from './scripted-agent-runtime.ts';

describe('scripted agent runtime', () => {
  const answers = { runtime: 'scripted', output: 'the answer' } as const;

  keepsAgentRuntimeContract({ answers }, () =>
    Promise.resolve({
      runtime: scriptedAgentRuntime(),
      directory: null,
      anythingLeft: () => Promise.resolve(false),
      hanging: () => Promise.resolve(),
      dispose: () => Promise.resolve(),
    }),
  );

  it('answers the same every time', async () => {
    const runtime = scriptedAgentRuntime();
    const run = { agent: answers, envelope: taskEnvelope(), directory: null, signal: new AbortController().signal };
    expect(await runtime.run(run)).toEqual(await runtime.run(run));
  });

  it('refuses an agent of another runtime', async () => {
    const agent = { runtime: 'command', command: ['true'], environment: [] } as const;
    await expect(
      scriptedAgentRuntime().run({
        agent: { ...agent, command: [...agent.command], environment: [] },
        envelope: taskEnvelope(),
        directory: null,
        signal: new AbortController().signal,
      }),
    ).rejects.toThrow('agent.runtime is "command"');
  });
});
