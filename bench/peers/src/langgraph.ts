/** The workflow on LangGraph: each step is a node, the approval an interrupt, answered by a second invoke as soon as the first returns. */
import { Annotation, Command, END, START, StateGraph, interrupt } from '@langchain/langgraph';
import { PostgresSaver } from '@langchain/langgraph-checkpoint-postgres';
import { requireEnv, resultOf, serve } from './serve.ts';
import { postgresSettings, versions } from './versions.ts';

const url = requireEnv('PEER_POSTGRES_URL');

const State = Annotation.Root({
  id: Annotation<string>,
  plan: Annotation<string>,
  execute: Annotation<string>,
  review: Annotation<string>,
  approve: Annotation<string>,
  finish: Annotation<string>,
});
type Known = Pick<typeof State.State, 'id'>;

const saver = PostgresSaver.fromConnString(url);
await saver.setup();

// A node may not have the name of a field of the state.
const graph = new StateGraph(State)
  .addNode('to-plan', ({ id }: Known) => ({ plan: resultOf('plan', id) }))
  .addNode('to-execute', ({ id }: Known) => ({ execute: resultOf('execute', id) }))
  .addNode('to-review', ({ id }: Known) => ({ review: resultOf('review', id) }))
  .addNode('to-approve', ({ id }: Known) => {
    if (interrupt('approve?') !== 'approve') throw new Error(`workflow ${id} was answered otherwise`);
    return { approve: resultOf('approve', id) };
  })
  .addNode('to-finish', ({ id }: Known) => ({ finish: resultOf('finish', id) }))
  .addEdge(START, 'to-plan')
  .addEdge('to-plan', 'to-execute')
  .addEdge('to-execute', 'to-review')
  .addEdge('to-review', 'to-approve')
  .addEdge('to-approve', 'to-finish')
  .addEdge('to-finish', END)
  .compile({ checkpointer: saver });

// As the others do: a step's result is committed before the next step begins.
const on = (id: string) => ({ configurable: { thread_id: id }, durability: 'sync' as const });

serve({
  says: { ...versions('@langchain/langgraph', '@langchain/langgraph-checkpoint-postgres'), ...(await postgresSettings(url)) },
  async workflow(id) {
    const waits = await graph.invoke({ id }, on(id));
    if (!('__interrupt__' in waits)) throw new Error(`workflow ${id} did not wait for its approval`);
    return graph.invoke(new Command({ resume: 'approve' }), on(id));
  },
  results: async (id) => (await graph.getState(on(id))).values as unknown,
  stop: () => saver.end(),
});
