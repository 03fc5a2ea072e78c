/** Finds an agent's answer in whatever else it printed. */
import { agentResultSchema, type AgentResult } from '@baton/contracts';

export type ReadResult =
  | { readonly status: 'result'; readonly result: AgentResult }
  /** It answered, but not with a result: `problem` names the field. */
  | { readonly status: 'invalid'; readonly problem: string }
  | { readonly status: 'none' };

/**
 * The last line that says it is a result decides, also against a better one before it: an agent may have printed the
 * example out of its instructions. Other JSON (log lines) is passed over.
 */
export function readResult(stdout: string): ReadResult {
  let nearest: string | null = null;
  for (let end = stdout.length; end > 0;) {
    const start = stdout.lastIndexOf('\n', end - 1) + 1;
    const value = parseObject(stdout.slice(start, end));
    end = start - 1;
    if (value === null) continue;
    const parsed = agentResultSchema.safeParse(value);
    if (parsed.success) return { status: 'result', result: parsed.data };
    const [issue] = parsed.error.issues;
    const problem = `field "${issue?.path.join('.') ?? ''}": ${issue?.message ?? 'invalid'}`;
    if ('baton' in value && typeof value.baton === 'string' && value.baton.startsWith('result/'))
      return { status: 'invalid', problem };
    nearest ??= problem;
  }
  return nearest === null ? { status: 'none' } : { status: 'invalid', problem: nearest };
}

function parseObject(line: string): object | null {
  const text = line.trim();
  if (!text.startsWith('{')) return null;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}
