export {}; // oxlint-disable-line unicorn/require-module-specifiers -- the specs in ../test are all of this package, and the build needs a module
