import type { Operation } from '../api/types.ts';
import { type Question, QuestionDialog } from '../parts/question-dialog.tsx';
import type { DialogProps } from '../shell/dialog-state.ts';
import { count } from '../state/text.ts';

/** A question, and what is said once it was done. */
interface FleetQuestion extends Question {
  done: string;
}

function questionOf(operation: Operation): FleetQuestion {
  switch (operation.kind) {
    case 'drain':
      return {
        title: `Drain ${operation.instance}?`,
        text: 'Its workspaces are moved to the other instances, a few at a time; their requests wait meanwhile, and none fails. It stays empty until the drain is taken back.',
        button: 'Drain',
        dangerous: false,
        done: `${operation.instance} is being drained.`,
      };
    case 'undrain':
      return {
        title: `Take back the drain of ${operation.instance}?`,
        text: 'It takes workspaces again. Those that were moved away stay where they are; Rebalance brings them home.',
        button: 'Take back',
        dangerous: false,
        done: `${operation.instance} takes workspaces again.`,
      };
    case 'restart':
      return {
        title: `Restart ${operation.instance}?`,
        text: 'Its supervisor starts its process anew: all of its sessions are away for as long as their browsers take, stay linked, and come up there again. Drain it first where no request may wait for that.',
        button: 'Restart',
        dangerous: true,
        done: `${operation.instance} is starting anew.`,
      };
    case 'rebalance':
      return {
        title: `Bring ${count(operation.away, 'workspace')} home?`,
        text: 'Each is moved to the instance that the home rule names, a few at a time: closed cleanly, handed over, started there. Requests wait meanwhile, and none fails.',
        button: 'Rebalance',
        dangerous: false,
        done: '',
      };
    case 'unfreeze':
      return {
        title: 'Take over everything that is lost?',
        text: `${operation.instances.join(', ')}: make sure first that they are really lost, and not just cut off from this router, and that the others have room.`,
        button: 'Take over',
        dangerous: true,
        done: 'Everything that is lost is taken over.',
      };
  }
}

/** Asks before something is done to the fleet, then does it. */
export function OperateDialog({ api, operation, onState, onDone }: DialogProps & { operation: Operation }) {
  const question = questionOf(operation);
  const perform = async () => {
    if (operation.kind === 'rebalance') return movedText(await api.fleet.rebalance());
    await api.fleet.operate(operation);
    return question.done;
  };
  return (
    <QuestionDialog question={question} perform={perform} onClose={() => onState(null)} onDone={onDone} />
  );
}

function movedText(moves: number): string {
  if (moves === 0)
    return 'None is moved: each is on its way already, or its home has no room or takes none now.';
  return `${count(moves, 'workspace')} on the way home.`;
}
