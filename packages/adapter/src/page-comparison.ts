import { type OutputForm, startContext } from './page-escapes.ts'
import type { Token, TokenDocument } from './page-tokens.ts'

/**
 * An output of the token document, cut at its tokens: `skeleton[0] token[0] skeleton[1] … token[n-1] skeleton[n]`.
 * A token that the stylesheet has cut or changed is part of the skeleton.
 */
export type Skeleton = { readonly pieces: readonly string[]; readonly tokens: readonly Token[] }

export function skeletonOf(output: string, { tokens, pattern }: TokenDocument): Skeleton {
  const pieces: string[] = []
  const found: Token[] = []
  let end = 0
  for (const match of output.matchAll(pattern)) {
    const token = tokens[Number(match[1])]
    if (!token) continue
    const start = match.index - token.offset
    if (start < end || !output.startsWith(token.full, start)) continue
    pieces.push(output.slice(end, start))
    found.push(token)
    end = start + token.full.length
  }
  pieces.push(output.slice(end))
  return { pieces, tokens: found }
}

type Comparison = {
  /** The output is the skeleton with the texts in the places of the tokens. */
  readonly same: boolean
  /** events, by index, whose texts are not in the output as they stand in the document */
  readonly changed: ReadonlySet<number>
}

/**
 * Compares a real output with a skeleton, event by event and in order. An event of which something differs is looked
 * for further on, so one that was dropped does not cost the ones after it their proof.
 */
export function compareWithSkeleton(output: string, skeleton: Skeleton, form: OutputForm): Comparison {
  const { pieces, tokens } = skeleton
  const changed = new Set<number>()
  const expected = startContext(form)
  let same = true
  let at = 0
  let searches = 0
  /** Consecutive places of one event are found together, or not at all. */
  let index = 0
  while (index < tokens.length) {
    const { event } = tokens[index]!
    const before = pieces[index]!
    let text = ''
    do {
      const piece = pieces[index]!
      // Two texts that stood on two lines and now stand side by side read as one.
      if (text !== '' && piece === '' && tokens[index]!.role === 'words') {
        same = false
        changed.add(event)
      }
      text += piece + expected.take(piece, tokens[index]!.text)
      index += 1
    } while (index < tokens.length && tokens[index]!.event === event)
    if (output.startsWith(text, at)) {
      at += text.length
      continue
    }
    same = false
    // A name stands in many places: looking for it further on could pass over events.
    if (event < 0) continue
    // Each search may read the whole output.
    if (searches >= SEARCHES_MAX) {
      changed.add(event)
      continue
    }
    searches += 1
    const near = text.slice(before.length - nearEnd(before)) + pieces[index]!.slice(0, 1)
    const found = output.indexOf(near, at)
    if (found >= 0) at = found + near.length - pieces[index]!.slice(0, 1).length
    else changed.add(event)
  }
  const last = pieces.at(-1)!
  if (same && (!output.startsWith(last, at) || at + last.length !== output.length)) same = false
  return { same, changed }
}

const SEARCHES_MAX = 200

/** How much of the skeleton before a text belongs to it: from the last tag, or the last line. */
function nearEnd(piece: string): number {
  return piece.length - Math.max(piece.lastIndexOf('<'), piece.lastIndexOf('\n') + 1, 0)
}
