import { useCallback, useLayoutEffect, useRef, useState } from 'react';

const nearPx = 48;

/** Keeps the end of a growing list in view, until the reader scrolls up; `toEnd` takes it up again. */
export function useFollow(content: unknown) {
  const area = useRef<HTMLDivElement>(null);
  const isFollowing = useRef(true);
  const [isAway, setAway] = useState(false);

  const toEnd = useCallback(() => {
    const element = area.current;
    if (!element) return;
    isFollowing.current = true;
    setAway(false);
    element.scrollTop = element.scrollHeight;
  }, []);
  const onScroll = useCallback(() => {
    const element = area.current;
    if (!element) return;
    isFollowing.current = element.scrollHeight - element.scrollTop - element.clientHeight < nearPx;
    setAway(!isFollowing.current);
  }, []);
  useLayoutEffect(() => {
    if (isFollowing.current) toEnd();
  }, [content, toEnd]);

  return { area, isAway, toEnd, onScroll };
}
