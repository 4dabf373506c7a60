import type { Socket } from 'node:net'
import type { ClientMessage } from '@hansard/wire'

/**
 * Bounds how many requests run at once: a few per session, and not many more per account, however many sessions it
 * has. The others wait in their session, in order of arrival.
 *
 * The rate of requests is bounded too, but each may take many statements, and all share one database. With this
 * bound, other users' chats wait behind a few requests and not behind a thousand.
 */
export type RequestsUnderWay = {
  /** Starts a request, now or when those before it are done. False when the session's queue is full. */
  take(asker: Asker, request: Request): boolean
  /** Drops the waiting requests. */
  ended(asker: Asker): void
}

/** A signed-in session, as far as these limits depend on it. */
export type Asker = {
  readonly principal: { readonly id: number } | undefined
  readonly socket: Pick<Socket, 'writableLength' | 'once'>
  readonly closing: boolean
  readonly closed: boolean
}

type Request = {
  readonly kind: ClientMessage['t']
  readonly characters: number
  /** Never throws, never rejects. */
  answer(): Promise<void> | void
}

/** These have limits of their own, or take no time. */
const AT_ONCE: ReadonlySet<ClientMessage['t']> = new Set(['sign-in', 'ping', 'join', 'part', 'post'])

/** Requests with long answers, or that read much. */
const LARGE: ReadonlySet<ClientMessage['t']> = new Set([
  'roster',
  'rooms',
  'room',
  'categories',
  'eligible',
  'followed',
  'search',
  'open-feed',
])

const SESSION_MAX = 4
const ACCOUNT_MAX = 5
/** Weight of a large request: an account may run one of them, and a small one beside it. */
const LARGE_COUNTS = 3
/** The SDK has at most this many unanswered requests. */
const WAITING_MAX = 1_000
const WAITING_CHARACTERS_MAX = 4 * 1_024 * 1_024
/**
 * While the client has this many unread bytes, no request is started: the next list is made when the last one was
 * sent.
 */
const UNSENT_MAX = 256 * 1_024

type Line = {
  readonly asker: Asker
  readonly account: Account
  waiting: Request[]
  characters: number
  underWay: number
  /** waits until its client has read what it was sent */
  sending: boolean
}
type Account = {
  readonly id: number
  underWay: number
  /** sessions with a queue */
  lines: number
  /** sessions that may start their next request, in the order they became ready */
  readonly ready: Set<Line>
}

export function createRequestsUnderWay(): RequestsUnderWay {
  const lines = new Map<Asker, Line>()
  const accounts = new Map<number, Account>()

  const lineOf = (asker: Asker): Line => {
    const known = lines.get(asker)
    if (known) return known
    const { id } = asker.principal!
    const account: Account = accounts.get(id) ?? { id, underWay: 0, lines: 0, ready: new Set() }
    accounts.set(id, account)
    account.lines += 1
    const line = { asker, account, waiting: [], characters: 0, underWay: 0, sending: false }
    lines.set(asker, line)
    return line
  }

  const makeReady = (line: Line) => {
    const [next] = line.waiting
    if (!next || line.sending || line.underWay + countOf(next) > SESSION_MAX) return
    const { asker, account } = line
    if (isOver(asker)) return
    if (asker.socket.writableLength <= UNSENT_MAX) {
      account.ready.add(line)
      return
    }
    line.sending = true
    asker.socket.once('drain', () => {
      line.sending = false
      advance(line)
    })
  }

  /** A request that does not fit holds back those behind it; otherwise large ones would never start. */
  const startReady = (account: Account) => {
    for (const line of account.ready) {
      const next = line.waiting[0]!
      if (!isOver(line.asker) && account.underWay + countOf(next) > ACCOUNT_MAX) return
      account.ready.delete(line)
      if (isOver(line.asker)) continue
      line.waiting.shift()
      line.characters -= next.characters
      start(line, next)
      makeReady(line)
    }
  }

  const advance = (line: Line) => {
    makeReady(line)
    startReady(line.account)
  }

  // Running requests count until they end, so reconnecting gains nothing.
  const forget = (account: Account) => {
    if (account.lines === 0 && account.underWay === 0) accounts.delete(account.id)
  }

  const start = (line: Line, request: Request) => {
    const { account } = line
    const count = countOf(request)
    line.underWay += count
    account.underWay += count
    const end = () => {
      line.underWay -= count
      account.underWay -= count
      advance(line)
      forget(account)
    }
    void Promise.resolve(request.answer()).then(end)
  }

  return {
    take(asker, request) {
      if (AT_ONCE.has(request.kind)) {
        void request.answer()
        return true
      }
      const line = lineOf(asker)
      if (line.waiting.length >= WAITING_MAX || line.characters > WAITING_CHARACTERS_MAX) return false
      line.waiting.push(request)
      line.characters += request.characters
      advance(line)
      return true
    },
    ended(asker) {
      const line = lines.get(asker)
      if (!line) return
      lines.delete(asker)
      line.waiting = []
      const { account } = line
      account.ready.delete(line)
      account.lines -= 1
      startReady(account)
      forget(account)
    },
  }
}

function countOf({ kind }: Request): number {
  return LARGE.has(kind) ? LARGE_COUNTS : 1
}

/** Requests of a client that is being disconnected are not started. */
function isOver({ closing, closed }: Asker): boolean {
  return closing || closed
}
