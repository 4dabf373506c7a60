import type { QueryRefused } from '@hansard/chat-text'

/** The search is not possible as requested. The message tells the user why. */
export class SearchRefused extends Error {
  override name = 'SearchRefused'
  readonly code: QueryRefused['code'] | 'bad-limit' | 'bad-dates' | 'bad-cursor' | 'index-behind'
  constructor(code: SearchRefused['code'], message: string) {
    super(message)
    this.code = code
  }
}
