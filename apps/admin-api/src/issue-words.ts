import type { z } from 'zod'

type Issue = z.core.$ZodIssue

/** What is wrong with a request, in the terms of this API: the member, and what it accepts. */
export function issueWords(issue: Issue): string {
  const { path, words } = deepest(issue)
  return `${path.map(String).join('.') || 'request'}: ${words}`
}

/** Of a union, the alternative that matched furthest: the others were not meant. */
function deepest(issue: Issue): { path: PropertyKey[]; words: string } {
  if (issue.code !== 'invalid_union') return { path: issue.path, words: wordsOf(issue) }
  const within = issue.errors
    .flatMap(([first]) => (first ? [deepest(first)] : []))
    .sort((a, b) => b.path.length - a.path.length)
  const [meant] = within
  return meant ? { ...meant, path: [...issue.path, ...meant.path] } : { path: issue.path, words: issue.message }
}

function wordsOf(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_value':
      return `takes ${issue.values.length === 1 ? '' : 'one of '}${issue.values.map(String).join(', ')}`
    case 'too_small':
      return `takes ${sizeOf(issue.origin, `at least ${issue.minimum}`)}`
    case 'too_big':
      return `takes ${sizeOf(issue.origin, `at most ${issue.maximum}`)}`
    case 'unrecognized_keys':
      return `there is no ${issue.keys.map((key) => JSON.stringify(key)).join(', ')} here`
    default:
      return issue.message
  }
}

function sizeOf(origin: string, bound: string): string {
  if (origin === 'string') return `a text of ${bound} characters`
  if (origin === 'array' || origin === 'set') return `${bound} entries`
  return `a number of ${bound}`
}
