import type { Operation } from '../api/client.ts';
import { useWork } from '../state/use-work.ts';
import { Dialog } from './dialog.tsx';
import type { DialogProps } from './dialog-state.ts';
import { Problem } from './problem.tsx';

interface Question {
  title: string;
  text: string;
  button: string;
  dangerous: boolean;
  /** Said once it was done. */
  done: string;
}

function questionOf(operation: Operation): Question {
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

/** Asks before something is done to the fleet, then does it. The focus begins on the harmless answer. */
export function OperateDialog(props: DialogProps & { operation: Operation }) {
  const { api, operation, onState, onDone } = props;
  const { title, text, button, dangerous, done } = questionOf(operation);
  const { busy, error, work } = useWork();
  const confirm = () =>
    work(async () => {
      await api.operate(operation);
      onDone(done);
      onState(null);
    });
  return (
    <Dialog title={title} onClose={() => onState(null)}>
      <p>{text}</p>
      <Problem error={error} />
      <div class="dialog-foot">
        <button type="button" class="button" data-autofocus onClick={() => onState(null)}>
          Cancel
        </button>
        <button
          type="button"
          class={dangerous ? 'button button-danger-full' : 'button button-primary'}
          disabled={busy}
          onClick={confirm}
        >
          {busy ? 'Working …' : button}
        </button>
      </div>
    </Dialog>
  );
}
