/**
 * Whether the words of `term` are adjacent, in order, somewhere in `words`.
 *
 * Each word of the text is read once, and compared at most twice on average (Knuth, Morris, Pratt): a user who
 * repeats one word must not make everybody's searches and feeds start again at each repetition.
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

/** For each prefix of `term`: the length of its longest proper suffix that is also a prefix. */
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
