import { Button } from './Button';
import { Dialog } from './Dialog';

interface Props {
  title: string;
  text: string;
  action: string;
  onConfirm: () => void;
  onCancel: () => void;
}

export function ConfirmDialog({ title, text, action, onConfirm, onCancel }: Props) {
  return (
    <Dialog title={title} onClose={onCancel}>
      <p className="px-5 py-4 leading-relaxed text-muted">{text}</p>
      <footer className="flex justify-end gap-2 px-5 pb-5">
        <Button autoFocus onClick={onCancel}>
          Cancel
        </Button>
        <Button kind="danger" onClick={onConfirm}>
          {action}
        </Button>
      </footer>
    </Dialog>
  );
}
