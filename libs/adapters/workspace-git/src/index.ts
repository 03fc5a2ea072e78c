export { gitWorkspaces, type GitWorkspaces, type GitWorkspacesOptions } from './git-workspaces.ts';
