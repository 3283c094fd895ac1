import type { Operation } from '../api/client.ts';
import type { DialogProps } from './dialog-state.ts';
import { type Question, QuestionDialog } from './question-dialog.tsx';

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
        text: 'It takes workspaces again. Those that were moved away stay where they are; "wharf rebalance" brings them home.',
        button: 'Take back',
        dangerous: false,
        done: `${operation.instance} takes workspaces again.`,
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
export function OperateDialog(props: DialogProps & { operation: Operation }) {
  const { api, operation, ...rest } = props;
  const question = questionOf(operation);
  const perform = async () => {
    await api.operate(operation);
    return question.done;
  };
  return <QuestionDialog {...rest} question={question} perform={perform} />;
}
