/**
 * Whether the words of `term` follow one another somewhere in `words`.
 *
 * Each word of the text is looked at once, and compared twice at most on average (Knuth, Morris, Pratt): somebody who
 * writes one word over and over must not make everybody's searches and feeds begin again at each of them.
 */
export function follows(words: readonly string[], term: readonly string[]): boolean {
  const begin = words.indexOf(term[0]!)
  if (begin === -1 || term.length === 1) return begin !== -1
  const repeats = repeatsOf(term)
  let matched = 1
  for (let at = begin + 1; at < words.length && words.length - at >= term.length - matched; at += 1) {
    const word = words[at]
    while (matched > 0 && term[matched] !== word) matched = repeats[matched - 1]!
    if (term[matched] === word) matched += 1
    if (matched === term.length) return true
  }
  return false
}

/** For each beginning of `term`, how many of its last words are also its first ones (all of it not counted). */
function repeatsOf(term: readonly string[]): number[] {
  const repeats = [0]
  let matched = 0
  for (let at = 1; at < term.length; at += 1) {
    while (matched > 0 && term[matched] !== term[at]) matched = repeats[matched - 1]!
    if (term[matched] === term[at]) matched += 1
    repeats.push(matched)
  }
  return repeats
}
