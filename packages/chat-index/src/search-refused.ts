import type { QueryRefused } from '@hansard/chat-text'

/** The search cannot be done as asked; the message says why, to the person who asked. */
export class SearchRefused extends Error {
  override name = 'SearchRefused'
  readonly code: QueryRefused['code'] | 'bad-limit' | 'bad-dates' | 'bad-cursor' | 'index-behind'
  constructor(code: SearchRefused['code'], message: string) {
    super(message)
    this.code = code
  }
}
