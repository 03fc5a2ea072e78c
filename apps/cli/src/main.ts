/** `baton`: one command, one exit code. */
import { runCli } from './program.ts';

export async function runMain(): Promise<void> {
  const interrupted = new AbortController();
  // The first Ctrl-C ends what goes on in order, the second one at once.
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.once(name, () => {
      interrupted.abort();
    });
  // A reader that went away (`baton list | head`) is no error.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
  process.exitCode = await runCli(
    process.argv.slice(2),
    process.env,
    {
      stdout: (text) => {
        process.stdout.write(text);
      },
      stderr: (text) => {
        process.stderr.write(text);
      },
    },
    interrupted.signal,
  );
}
