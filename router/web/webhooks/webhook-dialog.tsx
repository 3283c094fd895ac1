import type { ApiClient } from '../api/client.ts';
import type { Webhook } from '../api/types.ts';
import { type Question, QuestionDialog } from '../parts/question-dialog.tsx';
import type { DialogProps, WebhookAction } from '../shell/dialog-state.ts';

function questionOf(action: WebhookAction, { workspace_id, url, dead_letters }: Webhook): Question {
  switch (action) {
    case 'test':
      return {
        title: `Test the webhook of workspace ${workspace_id}?`,
        text: `One event of type webhook.test is sent to ${url} at once, and tried once.`,
        button: 'Send the test',
        dangerous: false,
      };
    case 'replay':
      return {
        title: `Replay the dead letters of workspace ${workspace_id}?`,
        text: `${eventsAre(dead_letters)} sent to ${url} again, with the old ids and retried as any event. They come after what has been delivered since.`,
        button: 'Replay',
        dangerous: false,
      };
    case 'enable':
      return {
        title: `Enable the webhook of workspace ${workspace_id}?`,
        text: `Events are sent to ${url} again, from where it stopped.`,
        button: 'Enable',
        dangerous: false,
      };
  }
}

/** Asks before something is done with a webhook, then does it. */
export function WebhookDialog(props: DialogProps & { webhook: Webhook; action: WebhookAction }) {
  const { api, webhook, action, onState, onDone } = props;
  return (
    <QuestionDialog
      onClose={() => onState(null)}
      onDone={onDone}
      question={questionOf(action, webhook)}
      perform={() => perform(api, webhook, action)}
    />
  );
}

/** Does it; gives what to say of it. Throws where a test was not delivered: the dialog then shows why. */
async function perform(api: ApiClient, { workspace_id }: Webhook, action: WebhookAction): Promise<string> {
  if (action === 'enable') {
    await api.webhooks.enable(workspace_id);
    return `The webhook of workspace ${workspace_id} is enabled.`;
  }
  if (action === 'replay') {
    const replayed = await api.webhooks.replay(workspace_id, null);
    return `${eventsAre(replayed)} on the way again.`;
  }
  const { delivered, status, took_ms, reason } = await api.webhooks.test(workspace_id);
  if (!delivered) throw new Error(`The test was not delivered: ${reason ?? `status ${status}`}`);
  return `The receiver took the test: status ${status}, ${took_ms} ms.`;
}

/** `One event is`, `3 events are` */
function eventsAre(number: number): string {
  return number === 1 ? 'One event is' : `${number} events are`;
}
