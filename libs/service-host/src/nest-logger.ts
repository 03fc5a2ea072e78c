/** What Nest logs goes out as JSON lines like everything else. */
import type { LoggerService } from '@nestjs/common';
import type { Logger, LogLevel } from '@baton/telemetry';

type Method = Extract<LogLevel, 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'>;

export function nestLogger(logger: Logger): LoggerService {
  // Nest's last parameter is where it comes from; before it there may be a stack or more messages.
  const at =
    (level: Method) =>
    (message: unknown, ...rest: unknown[]) => {
      const context = rest.length > 0 && typeof rest.at(-1) === 'string' ? (rest.pop() as string) : undefined;
      const stack = rest.find((part) => typeof part === 'string');
      const fields = {
        nest: context,
        ...(stack === undefined ? {} : { stack }),
        ...(message instanceof Error ? { err: message } : {}),
      };
      logger[level](
        fields,
        message instanceof Error ? message.message : typeof message === 'string' ? message : JSON.stringify(message),
      );
    };
  // How Nest boots (modules, routes) is of interest to nobody who runs it.
  return { log: at('debug'), error: at('error'), warn: at('warn'), debug: at('debug'), verbose: at('trace'), fatal: at('fatal') };
}
