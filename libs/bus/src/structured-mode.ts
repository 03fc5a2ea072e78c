/** Outsiders may send a CloudEvent as one JSON document as well; the owner sees the same id and data either way. */
import { unescapeValue, type Headers } from './cloud-event.ts';

const STRUCTURED = 'application/cloudevents';

interface Unwrapped {
  readonly id: string | undefined;
  readonly type: string | undefined;
  readonly data: string;
}

/** A document that is none is handed on as it came: the owner says what is wrong with it. */
export function unwrapStructured(headers: Headers, body: string): Unwrapped {
  const type = headers['Content-Type'] ?? headers['content-type'];
  if (!type?.startsWith(STRUCTURED)) return { id: idOf(headers), type: headers['ce-type'], data: body };
  try {
    const document: unknown = JSON.parse(body);
    if (
      typeof document === 'object' &&
      document !== null &&
      'id' in document &&
      'data' in document &&
      typeof document.id === 'string'
    ) {
      const type = 'type' in document && typeof document.type === 'string' ? document.type : undefined;
      return { id: document.id, type, data: JSON.stringify(document.data) };
    }
  } catch {
    // Not JSON: see above.
  }
  return { id: undefined, type: undefined, data: body };
}

function idOf(headers: Headers): string | undefined {
  const id = headers['ce-id'];
  if (id === undefined) return undefined;
  try {
    return unescapeValue('ce-id', id);
  } catch {
    return id;
  }
}
