// The new logger: one JSON object a line, with fields that can be searched.
let sink = (line) => process.stdout.write(`${line}\n`);

/** A logger that names its service in every line. */
export function logger(service) {
  const at =
    (level) =>
    (message, fields = {}) =>
      sink(JSON.stringify({ level, service, message, ...fields }));
  return { info: at('info'), warn: at('warn'), error: at('error') };
}

/** The lines that are logged while `action` runs. */
export function capture(action) {
  const lines = [];
  const before = sink;
  sink = (line) => lines.push(line);
  try {
    action();
  } finally {
    sink = before;
  }
  return lines;
}
