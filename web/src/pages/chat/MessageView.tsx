import { Pencil } from 'lucide-react';
import { memo, useEffect, useRef, useState } from 'react';
import { Markdown } from '@/markdown/Markdown';
import { Button } from '@/ui/Button';
import { CopyButton } from '@/ui/CopyButton';
import { IconButton } from '@/ui/IconButton';
import { AnswerFooter } from './AnswerFooter';
import type { Message } from './conversation';
import { ErrorNotice } from './ErrorNotice';

interface AnswerProps {
  message: Message;
  /** Of the last answer only. */
  onRetry?: () => void;
  onNewChat: () => void;
  onSettings: () => void;
}

export const Answer = memo(function Answer({ message, onRetry, onNewChat, onSettings }: AnswerProps) {
  const isWriting = message.state === 'streaming';
  return (
    // While it is written, the room below it is that of the footer that comes then: nothing that is seen moves.
    <article
      aria-label={`Answer of ${message.model ?? 'the model'}`}
      aria-busy={isWriting}
      className={isWriting ? 'pb-14' : ''}
    >
      {isWriting && message.content === '' ? (
        <p className="flex items-center gap-2.5 leading-[1.65] text-muted">
          <span aria-hidden className="pulse size-2 rounded-full bg-accent" />
          Reading the question
        </p>
      ) : (
        <Markdown source={message.content} isWriting={isWriting} />
      )}
      {message.cutOff && (
        <p className="mt-2 text-xs text-muted">
          Cut off here: the answer reached its longest length. Raise it in the settings, or start a new chat.
        </p>
      )}
      {message.state === 'failed' && message.failure && (
        <ErrorNotice
          failure={message.failure}
          onRetry={onRetry ?? (() => undefined)}
          onNewChat={onNewChat}
          onSettings={onSettings}
        />
      )}
      {!isWriting && (message.state !== 'failed' || message.content !== '') && (
        <AnswerFooter message={message} onRetry={onRetry} />
      )}
    </article>
  );
});

interface QuestionProps {
  message: Message;
  onEdit: (id: string, text: string) => void;
}

export const Question = memo(function Question({ message, onEdit }: QuestionProps) {
  const [isEditing, setEditing] = useState(false);
  if (isEditing) {
    return (
      <QuestionEditor
        text={message.content}
        onCancel={() => setEditing(false)}
        onDone={(text) => {
          setEditing(false);
          onEdit(message.id, text);
        }}
      />
    );
  }
  return (
    <article
      aria-label="Your question"
      className="group flex flex-col items-end pointer-fine:flex-row-reverse pointer-fine:items-center pointer-fine:gap-1"
    >
      <p className="max-w-[85%] rounded-2xl rounded-br-md bg-accent-soft px-4 py-2.5 leading-relaxed wrap-anywhere whitespace-pre-wrap">
        {message.content}
      </p>
      <span className="flex transition-opacity focus-within:opacity-100 group-hover:opacity-100 pointer-fine:opacity-0">
        <IconButton icon={Pencil} label="Edit question" onClick={() => setEditing(true)} />
        <CopyButton text={message.content} label="Copy question" />
      </span>
    </article>
  );
});

function QuestionEditor({
  text,
  onCancel,
  onDone,
}: {
  text: string;
  onCancel: () => void;
  onDone: (text: string) => void;
}) {
  const [draft, setDraft] = useState(text);
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    field.current?.focus();
    field.current?.setSelectionRange(text.length, text.length);
  }, [text]);
  const isSendable = draft.trim() !== '';
  return (
    <form
      className="rounded-2xl border border-accent bg-surface p-3"
      onSubmit={(event) => {
        event.preventDefault();
        if (isSendable) onDone(draft.trim());
      }}
      onKeyDown={(event) => {
        if (event.key === 'Escape') onCancel();
        if (event.key === 'Enter' && !event.shiftKey && !event.nativeEvent.isComposing && isSendable) {
          event.preventDefault();
          onDone(draft.trim());
        }
      }}
    >
      <textarea
        ref={field}
        aria-label="Edit your question"
        rows={Math.min(8, draft.split('\n').length + 1)}
        value={draft}
        onChange={(event) => setDraft(event.target.value)}
        className="w-full resize-none bg-transparent px-1 leading-relaxed outline-none"
      />
      <div className="mt-2 flex items-center justify-end gap-2">
        <span className="mr-auto text-xs text-muted">What follows this question is replaced.</span>
        <Button onClick={onCancel}>Cancel</Button>
        <Button type="submit" kind="primary" disabled={!isSendable}>
          Ask
        </Button>
      </div>
    </form>
  );
}
