import type { SessionId, WorkspaceId } from '../../fleet/ids.ts';
import type { Session } from './session.ts';

/** The sessions an instance knows. */
export class SessionRoll {
  readonly #workspaces = new Map<WorkspaceId, Map<SessionId, Session>>();

  all(): Session[] {
    return [...this.#workspaces.values()].flatMap((sessions) => [...sessions.values()]);
  }

  of(workspace: WorkspaceId): Session[] {
    return [...(this.#workspaces.get(workspace)?.values() ?? [])];
  }

  get(workspace: WorkspaceId, session: SessionId): Session | undefined {
    return this.#workspaces.get(workspace)?.get(session);
  }

  add(session: Session): void {
    const { workspace_id: workspace, session_id: id } = session.record;
    let sessions = this.#workspaces.get(workspace);
    if (!sessions) {
      sessions = new Map();
      this.#workspaces.set(workspace, sessions);
    }
    sessions.set(id, session);
  }

  /** False where it is not this one that stands there. */
  remove(session: Session): boolean {
    const { workspace_id: workspace, session_id: id } = session.record;
    const sessions = this.#workspaces.get(workspace);
    if (sessions?.get(id) !== session) return false;
    sessions.delete(id);
    if (sessions.size === 0) this.#workspaces.delete(workspace);
    return true;
  }
}
