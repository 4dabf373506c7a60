import { hash } from 'node:crypto'
import type { Fact } from './facts.ts'

/** The parts of a post that make its identity. */
export type PostedContent = Pick<Extract<Fact, { kind: 'chat' }>, 'roomId' | 'post' | 'text' | 'title' | 'alert'> & {
  readonly principal: { readonly id: number }
}

/** A recorded post, as the database has it. */
export type RecordedPost = {
  readonly chatId: number
  readonly at: number
  /** null: recorded before digests existed, or imported */
  readonly digest: string | null
  readonly content: string
  readonly title: string | null
  readonly alert: boolean | number
  readonly state: string
}

/**
 * Digest of a post's content, which distinguishes a repeat from a different post under the same name. The stored text
 * may have been replaced or purged since; the digest stays. It includes the post's name, so equal texts have
 * different digests.
 */
export function postDigest({ post, principal, roomId, text, title, alert = false }: PostedContent): string {
  // The separators are unambiguous: a post's name has no spaces, and JSON no line breaks.
  const named = `${roomId} ${principal.id} ${post} ${alert}`
  const content = `${JSON.stringify(text)}\n${title === undefined ? '' : JSON.stringify(title)}`
  return hash('sha256', `${named}\n${content}`, 'hex').slice(0, DIGEST_CHARACTERS)
}

/** 128 bits suffice: a digest is compared only with that of the same author's post. */
const DIGEST_CHARACTERS = 32

/** Whether a post has the same content as the recorded one. Without a digest, only an unedited chat can prove it. */
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
