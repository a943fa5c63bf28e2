/** Whether this machine has a font with emoji; else each would be an empty box. */
export const hasEmoji = ((): boolean => {
  const context = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  if (!context) return true;
  context.font = '16px sans-serif';
  context.textBaseline = 'top';
  context.fillText('🧠', 0, 0);
  // Letters and empty boxes are drawn black, as asked; emoji bring their own colours.
  const { data } = context.getImageData(0, 0, 24, 24);
  return data.some((value, i) => i % 4 !== 3 && value > 0);
})();

/** A picture beside a name, which says it all without. */
export const Emoji = ({ children, className }: { children: string | undefined; className?: string }) =>
  hasEmoji && (
    <span aria-hidden className={className}>
      {children}
    </span>
  );
