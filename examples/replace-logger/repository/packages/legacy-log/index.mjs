// The old logger: sentences for people, which nothing can search.
let sink = (line) => process.stdout.write(`${line}\n`);

function print(level, text, values) {
  let next = 0;
  sink(`${level} ${text.replaceAll('%s', () => String(values[next++]))}`);
}

export const log = {
  info: (text, ...values) => print('INFO', text, values),
  warn: (text, ...values) => print('WARN', text, values),
  error: (text, ...values) => print('ERROR', text, values),
};

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
