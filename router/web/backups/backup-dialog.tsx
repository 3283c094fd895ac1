import { type Question, QuestionDialog } from '../parts/question-dialog.tsx';
import type { DialogProps } from '../shell/dialog-state.ts';

type Task = 'run' | 'verify';

const QUESTIONS: Readonly<Record<Task, Question>> = {
  run: {
    title: 'Back up now?',
    text: 'Every session is copied while it runs, and stands still for a moment at the end of its own copy, well under a second. Nothing is closed. It is kept for a day at least.',
    button: 'Back up now',
    dangerous: false,
  },
  verify: {
    title: 'Verify all backups?',
    text: 'Every object that the backups need is read from the store once and checked. That takes a while and reads all of it; sessions notice nothing.',
    button: 'Verify all',
    dangerous: false,
  },
};

/** Asks before the backup service does something that takes a while, then begins it. */
export function BackupDialog({ api, task, onState, onDone }: DialogProps & { task: Task }) {
  const perform = async () => {
    if (task === 'run') {
      await api.backups.run();
      return 'The backup has begun.';
    }
    await api.backups.verify();
    return 'The verification has begun.';
  };
  return (
    <QuestionDialog
      question={QUESTIONS[task]}
      perform={perform}
      onClose={() => onState(null)}
      onDone={onDone}
    />
  );
}
