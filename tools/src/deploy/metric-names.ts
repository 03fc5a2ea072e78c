/** Which metrics of Baton an expression names, so that dashboards and alerts can be held against the catalogue. */

export interface Declared {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
}

/** The names in `expr` that the catalogue does not have; a histogram is named by its series, never by itself. */
export function unknownMetrics(expr: string, catalogue: readonly Declared[]): readonly string[] {
  const series = new Set(
    catalogue.flatMap(({ name, type }) => (type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name])),
  );
  return [...new Set(expr.match(/\bbaton_\w+/g))].filter((name) => !series.has(name));
}
