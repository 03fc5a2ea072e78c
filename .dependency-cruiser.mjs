// Who may import whom: the table is tools/src/boundaries.ts, the proof that it bites is tools/src/tidy/boundaries.spec.ts.
import { boundaryRules } from './tools/src/boundaries.ts';

export default {
  forbidden: boundaryRules(process.cwd()),
  options: {
    // TypeScript 7 has no JavaScript API, swc has; it also sees type-only imports, which count like any other.
    parser: 'swc',
    doNotFollow: { path: 'node_modules' },
    // bench/peers is outside of the workspace: what it imports is installed by the first `npm run bench:peers` only.
    exclude: { path: '(^|/)(dist|\\.nx|\\.cache|\\.baton)/|^bench/peers/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@baton/source', 'import', 'node', 'default'],
      extensions: ['.ts', '.tsx', '.mjs', '.js', '.json'],
    },
  },
};
