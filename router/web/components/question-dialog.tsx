import { useWork } from '../state/use-work.ts';
import { Dialog } from './dialog.tsx';
import type { DialogProps } from './dialog-state.ts';
import { Problem } from './problem.tsx';

/** What is asked before something is done. */
export interface Question {
  title: string;
  text: string;
  /** The answer that does it. */
  button: string;
  dangerous: boolean;
}

/** Asks before something is done, then does it. The focus begins on the harmless answer. */
export function QuestionDialog(
  props: Omit<DialogProps, 'api'> & {
    question: Question;
    /** Does it; gives what to say of it. */
    perform: () => Promise<string>;
  },
) {
  const { question, perform, onState, onDone } = props;
  const { title, text, button, dangerous } = question;
  const { busy, error, work } = useWork();
  const confirm = () =>
    work(async () => {
      onDone(await perform());
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
