import { useLayoutEffect, useRef } from 'react';
import temml from 'temml';

/** A formula in TeX as MathML, which browsers set by themselves. It can neither link nor load anything. */
export default function Formula({ tex, isBlock }: { tex: string; isBlock: boolean }) {
  const place = useRef<HTMLSpanElement>(null);
  useLayoutEffect(() => {
    if (place.current) temml.render(tex, place.current, { displayMode: isBlock, throwOnError: false });
  }, [tex, isBlock]);
  return <span ref={place} className={isBlock ? 'formula' : undefined} tabIndex={isBlock ? 0 : undefined} />;
}
