import { ArrowDown, Download, Plus, RotateCw, SlidersHorizontal, Square, TextCursorInput } from 'lucide-react';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useCommands } from '@/app/commands';
import { download } from '@/lib/clipboard';
import { useStore } from '@/lib/store';
import { IconButton } from '@/ui/IconButton';
import { PageBar } from '@/ui/PageBar';
import { Composer } from './Composer';
import { toMarkdown, type Message } from './conversation';
import { EmptyState } from './EmptyState';
import { Answer, Question } from './MessageView';
import { ModelSelect } from './ModelSelect';
import { SettingsDialog } from './SettingsDialog';
import { history, isSettingsOpen, session } from './state';
import { useChatId } from './useChatId';
import { useFollow } from './useFollow';

const none: Message[] = [];
const openSettings = () => isSettingsOpen.set(true);

export default function ChatPage() {
  const [id, open] = useChatId();
  const all = useStore(history.list);
  const isFull = useStore(history.isFull);
  const isShowingSettings = useStore(isSettingsOpen);
  const [draft, setDraft] = useState('');
  const field = useRef<HTMLTextAreaElement>(null);

  const conversation = all.find((one) => one.id === id);
  const messages = conversation?.messages ?? none;
  const isAnswering = messages.at(-1)?.state === 'streaming';
  const { area, isAway, toEnd, onScroll } = useFollow(messages);

  const ask = useCallback(
    (text: string, inChat: string | null) => {
      const asked = session.send(inChat, text.trim());
      if (asked !== inChat) open(asked);
      requestAnimationFrame(toEnd);
    },
    [open, toEnd],
  );
  const stop = useCallback(() => id !== null && session.stop(id), [id]);
  const retry = useCallback(() => id !== null && session.retry(id), [id]);
  const edit = useCallback((messageId: string, text: string) => id !== null && session.edit(id, messageId, text), [id]);
  const startNew = useCallback(() => {
    open(null);
    field.current?.focus();
  }, [open]);
  const askAgainInNewChat = useCallback(() => {
    const question = history.get(id ?? '')?.messages.findLast(({ role }) => role === 'user');
    if (question) ask(question.content, null);
  }, [ask, id]);

  useEffect(() => {
    if (window.matchMedia('(pointer: fine)').matches) field.current?.focus();
    if (id !== null) toEnd();
    else area.current?.scrollTo(0, 0);
  }, [id, area, toEnd]);

  useCommands(
    useMemo(
      () => [
        { id: 'new', title: 'New chat', icon: Plus, shortcut: 'mod+shift+o', run: startNew },
        {
          id: 'focus',
          title: 'Write a question',
          icon: TextCursorInput,
          shortcut: '/',
          run: () => field.current?.focus(),
        },
        {
          id: 'settings',
          title: 'Model and sampling settings',
          icon: SlidersHorizontal,
          shortcut: 'mod+,',
          run: openSettings,
        },
      ],
      [startNew],
    ),
  );
  useCommands(
    useMemo(
      () =>
        isAnswering ? [{ id: 'stop', title: 'Stop the answer', icon: Square, shortcut: 'escape', run: stop }] : [],
      [isAnswering, stop],
    ),
  );
  useCommands(
    useMemo(() => {
      if (id === null || messages.length === 0) return [];
      const exportChat = () => {
        const chat = history.get(id);
        if (chat)
          download(`${chat.title.replace(/[^\w -]/g, '').trim() || 'chat'}.md`, 'text/markdown', toMarkdown(chat));
      };
      return [
        { id: 'retry', title: 'Answer again', icon: RotateCw, run: retry },
        { id: 'export', title: 'Export this chat as Markdown', icon: Download, run: exportChat },
      ];
    }, [id, messages.length, retry]),
  );

  return (
    <div className="flex h-full flex-col">
      <PageBar>
        <ModelSelect />
        <span className="flex-1" />
        <IconButton icon={SlidersHorizontal} label="Settings" onClick={openSettings} />
        <IconButton icon={Plus} label="New chat" onClick={startNew} className="lg:hidden" />
      </PageBar>
      {isFull && (
        <p role="alert" className="bg-danger-soft px-4 py-2 text-sm text-danger">
          The browser has no room for more chats: what you write now is lost when the page closes. Export and delete
          some.
        </p>
      )}
      <div className="relative min-h-0 flex-1">
        <div
          ref={area}
          onScroll={onScroll}
          tabIndex={0}
          role="log"
          aria-label="Conversation"
          aria-live="off"
          className="h-full overflow-y-auto [overflow-anchor:none]"
        >
          {messages.length === 0 ? (
            <EmptyState onAsk={(question) => ask(question, null)} />
          ) : (
            <div className="mx-auto flex max-w-3xl flex-col gap-5 px-4 py-6 sm:px-6">
              {messages.map((message, i) =>
                message.role === 'user' ? (
                  <Question key={message.id} message={message} onEdit={edit} />
                ) : (
                  <Answer
                    key={message.id}
                    message={message}
                    {...(i === messages.length - 1 ? { onRetry: retry } : {})}
                    onNewChat={askAgainInNewChat}
                    onSettings={openSettings}
                  />
                ),
              )}
            </div>
          )}
        </div>
        {isAway && isAnswering && (
          <IconButton
            icon={ArrowDown}
            label="To the end"
            onClick={toEnd}
            className="absolute bottom-3 left-1/2 -translate-x-1/2 rounded-full border border-line bg-surface shadow-float"
          />
        )}
      </div>
      <Announcement message={messages.at(-1)} />
      <Composer
        field={field}
        text={draft}
        isAnswering={isAnswering}
        onText={setDraft}
        onSend={() => {
          if (isAnswering) return;
          ask(draft, conversation ? id : null);
          setDraft('');
        }}
        onStop={stop}
      />
      {isShowingSettings && <SettingsDialog onClose={() => isSettingsOpen.set(false)} />}
    </div>
  );
}

/** Screen readers hear that an answer is coming, and then the whole of it, not each token. */
function Announcement({ message }: { message: Message | undefined }) {
  const announced = useRef<string>(undefined);
  if (message?.state === 'streaming') announced.current = message.id;
  const isNews = message !== undefined && announced.current === message.id;
  return (
    <p aria-live="polite" className="sr-only">
      {isNews && (message.state === 'streaming' ? 'Answering' : message.content)}
    </p>
  );
}
