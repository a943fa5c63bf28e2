import { useEffect, useState } from 'react';
import { asFailure } from '@/api/errors';
import { Markdown } from '@/markdown/Markdown';
import { documentText } from './texts';
import type { Id } from './types';

export default function DocumentView({ id }: { id: Id }) {
  const [text, setText] = useState<string | null>(null);
  useEffect(() => {
    documentText(id).then(setText, (thrown) => setText(asFailure(thrown).message));
  }, [id]);
  return (
    <article className="mt-6">
      {text === null ? <p className="text-muted">Opening…</p> : <Markdown source={text} kind="page" />}
    </article>
  );
}
