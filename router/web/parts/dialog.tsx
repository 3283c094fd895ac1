import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';
import { Icon } from './icon.tsx';

/**
 * A modal dialog: the browser keeps the focus inside, and ends it at Escape.
 * The focus begins at the element marked `data-autofocus`, else at the first that takes it.
 */
export function Dialog(props: {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
  wide?: boolean;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const title = useId();
  useLayoutEffect(() => {
    const element = dialog.current;
    if (element === null) return undefined;
    element.showModal();
    element.querySelector<HTMLElement>('[data-autofocus]')?.focus();
    return () => element.close();
  }, []);
  // A dialog that gave way to another is out of the page when its close event comes, and has no say any more.
  const onClose = () => {
    if (dialog.current?.isConnected) props.onClose();
  };
  return (
    <dialog
      ref={dialog}
      class={props.wide ? 'dialog dialog-wide' : 'dialog'}
      aria-labelledby={title}
      onClose={onClose}
    >
      <header class="dialog-head">
        <h2 id={title}>{props.title}</h2>
        <button type="button" class="button-icon" aria-label="Close" onClick={() => dialog.current?.close()}>
          <Icon name="close" />
        </button>
      </header>
      {props.children}
    </dialog>
  );
}
