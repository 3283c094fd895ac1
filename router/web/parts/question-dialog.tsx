import { useWork } from '../state/use-work.ts';
import { Dialog } from './dialog.tsx';

import { Problem } from './problem.tsx';
import { Prose } from './prose.tsx';

/** What is asked before something is done. */
export interface Question {
  title: string;
  text: string;
  /** The answer that does it. */
  button: string;
  dangerous: boolean;
}

/** Asks before something is done, then does it. The focus begins on the harmless answer. */
export function QuestionDialog(props: {
  question: Question;
  /** Does it; gives what to say of it. */
  perform: () => Promise<string>;
  onClose: () => void;
  /** Says what was done. */
  onDone: (message: string) => void;
}) {
  const { question, perform, onClose, onDone } = props;
  const { title, text, button, dangerous } = question;
  const { busy, error, work } = useWork();
  const confirm = () =>
    work(async () => {
      onDone(await perform());
      onClose();
    });
  return (
    <Dialog title={title} onClose={onClose}>
      <p>
        <Prose text={text} />
      </p>
      <Problem error={error} />
      <div class="dialog-foot">
        <button type="button" class="button" data-autofocus onClick={onClose}>
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
