/**
 * How well the letters of `query` are found in `text`, in order: null when they are not, otherwise more for letters
 * that follow each other and for beginnings of words.
 */
export function fuzzyScore(query: string, text: string): number | null {
  const wanted = query.toLowerCase().replaceAll(' ', '');
  const given = text.toLowerCase();
  let score = 0;
  let from = 0;
  let previous = -2;
  for (const letter of wanted) {
    const at = given.indexOf(letter, from);
    if (at < 0) return null;
    if (at === previous + 1) score += 3;
    if (at === 0 || /[\s\-_(/]/.test(given[at - 1] ?? '')) score += 2;
    score -= Math.min(at - from, 8) / 8;
    previous = at;
    from = at + 1;
  }
  if (given.startsWith(query.toLowerCase())) score += 10;
  return score - given.length / 200;
}

/** The items of which one of the texts has the letters of `query`, best first. */
export function fuzzyFilter<T>(query: string, items: readonly T[], textsOf: (item: T) => readonly string[]): T[] {
  if (query.trim() === '') return [...items];
  return items
    .flatMap((item) => {
      const scores = textsOf(item).flatMap((text) => fuzzyScore(query, text) ?? []);
      return scores.length === 0 ? [] : [{ item, score: Math.max(...scores) }];
    })
    .sort((a, b) => b.score - a.score)
    .map(({ item }) => item);
}
