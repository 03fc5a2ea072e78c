/** What an operator does after a loss: the bus made anew from the log, a database prepared for the dump of a log. */
import type { Context } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { colour, plural } from '../format.ts';
import { reading } from '../read/connect.ts';
import { rebuildBus, type RebuildOptions } from '../write/rebuild-bus.ts';

export async function bus(context: Context, options: RebuildOptions): Promise<ExitCode> {
  const { out } = context;
  const rebuilt = await reading(context, ({ store }) =>
    rebuildBus(context, store, options, (text) => {
      out.progress(`${colour.dim('…')} ${text}`);
    }),
  );
  const { first_sequence, head } = rebuilt;
  out.line(
    `${colour.green('✓')} The bus carries the log again: ${plural(head - first_sequence + 1, 'event')}, from ${String(first_sequence)} to ${String(head)}.`,
  );
  out.result(rebuilt);
  return EXIT.ok;
}
