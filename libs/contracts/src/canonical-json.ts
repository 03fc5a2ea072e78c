/**
 * One text for one value (RFC 8785 for what JSON.parse can give): keys sorted, no spaces. What digests are taken of.
 *
 * Without recursion, because the value may come from outside: however deep it is nested, it has a text.
 */
export function canonicalJson(value: unknown): string {
  const parts: string[] = [];
  /** What is still to be written, last first: text as it is, or a value. */
  const rest: Step[] = [{ value }];
  for (let step = rest.pop(); step; step = rest.pop()) {
    if ('text' in step) parts.push(step.text);
    else if (step.value === null || typeof step.value !== 'object') parts.push(JSON.stringify(step.value));
    else for (const next of Array.isArray(step.value) ? ofArray(step.value) : ofObject(step.value)) rest.push(next);
  }
  return parts.join('');
}

type Step = { readonly text: string } | { readonly value: unknown };

function ofArray(items: readonly unknown[]): Step[] {
  const steps: Step[] = [{ text: '[' }];
  items.forEach((item, at) => {
    if (at > 0) steps.push({ text: ',' });
    steps.push({ value: item === undefined ? null : item });
  });
  steps.push({ text: ']' });
  return steps.toReversed();
}

function ofObject(object: object): Step[] {
  const members = Object.entries(object)
    .filter(([, member]) => member !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  const steps: Step[] = [{ text: '{' }];
  members.forEach(([key, member], at) =>
    steps.push({ text: `${at > 0 ? ',' : ''}${JSON.stringify(key)}:` }, { value: member as unknown }),
  );
  steps.push({ text: '}' });
  return steps.toReversed();
}
