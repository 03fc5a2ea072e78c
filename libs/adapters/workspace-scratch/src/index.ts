export { scratchWorkspaces, type ScratchOptions } from './scratch-workspaces.ts';
