/** What every command is given: the environment, the home directory, and where it writes to. */
import { resolve } from 'node:path';
import { actorOf, readConfig, type Config, type Environment } from './config.ts';
import { withoutElsewhere } from './other-stacks.ts';
import { outputTo, type Output } from './output.ts';
import { homeAt, type Home } from './stack/home.ts';

export interface Context {
  readonly config: Config;
  readonly environment: Environment;
  readonly home: Home;
  /** As it was typed; undefined where the environment or the default says it. */
  readonly home_named: string | undefined;
  readonly out: Output;
  /** Ends what goes on until it is interrupted. */
  readonly interrupted: AbortSignal;
  actor(as: string | undefined): string;
}

export interface Streams {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
}

export interface GlobalOptions {
  readonly home?: string | undefined;
  readonly json?: boolean | undefined;
}

export function contextOf(options: GlobalOptions, exported: Environment, streams: Streams, interrupted: AbortSignal): Context {
  const environment = options.home === undefined ? exported : withoutElsewhere(exported);
  const config = readConfig(environment);
  return {
    config,
    environment,
    home: homeAt(resolve(options.home ?? config.BATON_HOME)),
    home_named: options.home,
    out: outputTo(options.json === true, streams.stdout, streams.stderr),
    interrupted,
    actor: (as) => actorOf(config, as),
  };
}
