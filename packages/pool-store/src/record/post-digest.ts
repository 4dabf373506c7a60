import { hash } from 'node:crypto'
import type { Fact } from './facts.ts'

/** A post, as far as its identity goes. */
export type PostedContent = Pick<Extract<Fact, { kind: 'chat' }>, 'roomId' | 'post' | 'text' | 'title' | 'alert'> & {
  readonly principal: { readonly id: number }
}

/** A post that is on record, as the database knows it. */
export type RecordedPost = {
  readonly chatId: number
  readonly at: number
  /** null: recorded before digests were kept, or imported */
  readonly digest: string | null
  readonly content: string
  readonly title: string | null
  readonly alert: boolean | number
  readonly state: string
}

/**
 * Digest of what a post says, by which a repeat is told from another post under the same name. The text beside it may have
 * been replaced or purged since; the digest stays. The post's own name is part of it, so equal texts have different digests.
 */
export function postDigest({ post, principal, roomId, text, title, alert = false }: PostedContent): string {
  // A post's name has no spaces, and JSON no line breaks.
  const named = `${roomId} ${principal.id} ${post} ${alert}`
  const content = `${JSON.stringify(text)}\n${title === undefined ? '' : JSON.stringify(title)}`
  return hash('sha256', `${named}\n${content}`, 'hex').slice(0, DIGEST_CHARACTERS)
}

/** 128 bits: a digest is only ever compared with that of the same author's post. */
const DIGEST_CHARACTERS = 32

/** Whether a post says what the recorded one said. Without a digest only an unedited chat can prove it. */
export function isSamePost(recorded: RecordedPost, fact: PostedContent): boolean {
  if (recorded.digest !== null) return recorded.digest === postDigest(fact)
  const { state, content, title, alert } = recorded
  return (
    state === 'kept' &&
    content === JSON.stringify(fact.text) &&
    title === (fact.title === undefined ? null : JSON.stringify(fact.title)) &&
    Boolean(alert) === (fact.alert ?? false)
  )
}
