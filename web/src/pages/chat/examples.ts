/** Questions that show what the demo model knows. */
export const examples = [
  'How can I make the first token come faster?',
  'What is speculative decoding?',
  'Why is decode limited by memory bandwidth?',
  'What is paged attention?',
] as const;
