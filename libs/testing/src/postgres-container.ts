/** A Postgres in a container, for machines with a Docker engine and no Postgres binaries that run on them. */
import { randomBytes } from 'node:crypto';

const IMAGE = 'postgres:18.4';
const PORT = 5432;
const START_MS_MAX = 120_000;

export async function containerPostgres(
  settings: Readonly<Record<string, string>>,
): Promise<{ readonly superuser_url: string; stop(): Promise<void> }> {
  // Loaded here only: it is large, and nearly no run needs it.
  const { GenericContainer, Wait, getContainerRuntimeClient } = await import('testcontainers');
  await getContainerRuntimeClient(); // Throws at once, with the reason, when no engine answers.
  const password = randomBytes(16).toString('hex');
  const container = await new GenericContainer(IMAGE)
    .withEnvironment({ POSTGRES_PASSWORD: password, POSTGRES_INITDB_ARGS: '--encoding=UTF8 --locale=C --data-checksums' })
    .withCommand(['postgres', ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])])
    .withExposedPorts(PORT)
    // Twice: the image starts once for its own setup, and again for us.
    .withWaitStrategy(Wait.forLogMessage(/database system is ready to accept connections/, 2))
    .withStartupTimeout(START_MS_MAX)
    .start();
  return {
    superuser_url: `postgres://postgres:${password}@${container.getHost()}:${container.getMappedPort(PORT)}/postgres`,
    stop: async () => {
      await container.stop();
    },
  };
}
