import { type LineSkipped, readCorpusLine } from './corpus-line.ts'

/** One thing to do in a room. `atMs` is when the log says it happened, counted from the log's first chat. */
export type CorpusStep =
  | { readonly kind: 'chat'; readonly nick: string; readonly text: string; readonly atMs: number }
  | { readonly kind: 'join'; readonly nick: string; readonly atMs: number }
  | { readonly kind: 'part'; readonly nick: string; readonly atMs: number }

/** A line that says something about presence that is so already. */
type PresenceSkipped = 'already-present' | 'not-present'

export type Skipped = Partial<Record<LineSkipped | PresenceSkipped, number>>

export type CorpusPlan = {
  readonly steps: readonly CorpusStep[]
  readonly nicks: ReadonlySet<string>
  readonly lines: number
  readonly renames: number
  readonly skipped: Skipped
  /** at least one line has the format: a file without any is something else */
  readonly isLog: boolean
}

/**
 * What a log says, as things to do one after the other, in the file's order.
 *
 * A slice of a log starts in the middle of a day: a speaker who has not joined joins first. A rename is a part
 * and a join. At the end everybody who is still present parts, so that what was replayed is complete in itself.
 */
export function planCorpus(text: string): CorpusPlan {
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  const read = lines.map((line) => readCorpusLine(line.endsWith('\r') ? line.slice(0, -1) : line))
  const times = timesOf(read.map((line) => (line.kind === 'chat' ? line.minute : undefined)))

  const steps: CorpusStep[] = []
  const present = new Set<string>()
  const nicks = new Set<string>()
  const skipped: Skipped = {}
  let renames = 0

  const skip = (as: keyof Skipped) => {
    skipped[as] = (skipped[as] ?? 0) + 1
  }
  const join = (nick: string, atMs: number) => {
    if (present.has(nick)) return false
    present.add(nick)
    nicks.add(nick)
    steps.push({ kind: 'join', nick, atMs })
    return true
  }
  const part = (nick: string, atMs: number) => {
    if (!present.delete(nick)) return false
    steps.push({ kind: 'part', nick, atMs })
    return true
  }

  for (const [index, line] of read.entries()) {
    const atMs = times[index]!
    switch (line.kind) {
      case 'chat':
        join(line.nick, atMs)
        steps.push({ kind: 'chat', nick: line.nick, text: line.text, atMs })
        break
      case 'join':
        if (!join(line.nick, atMs)) skip('already-present')
        break
      case 'part':
        if (!part(line.nick, atMs)) skip('not-present')
        break
      case 'rename':
        renames += 1
        if (line.nick === line.to) break
        part(line.nick, atMs)
        join(line.to, atMs)
        break
      case 'skipped':
        skip(line.as)
        break
    }
  }
  for (const nick of [...present]) part(nick, times.at(-1) ?? 0)
  const isLog = read.some((line) => line.kind !== 'skipped' || (line.as !== 'stray' && line.as !== 'blank'))
  return { steps, nicks, lines: lines.length, renames, skipped, isLog }
}

const DAY_MINUTES = 24 * 60
const CLOCK_TROUBLE_MINUTES = 120
const MINUTE_MS = 60_000

/**
 * Milliseconds since the log's first chat, for every line, from the minutes that only chats have. Lines of one minute
 * are spread over it evenly. A time that falls back by less than two hours is a clock that was set; by more, midnight.
 */
function timesOf(minutes: readonly (number | undefined)[]): number[] {
  const absolute: number[] = []
  let before: number | undefined
  let now = 0
  for (const minute of minutes) {
    if (minute !== undefined) {
      const forward = before === undefined ? 0 : (minute - before + DAY_MINUTES) % DAY_MINUTES
      if (forward < DAY_MINUTES - CLOCK_TROUBLE_MINUTES) {
        now += forward
        before = minute
      }
    }
    absolute.push(now)
  }
  const times: number[] = []
  for (let from = 0; from < absolute.length; ) {
    let to = from
    while (to < absolute.length && absolute[to] === absolute[from]) to += 1
    for (let index = from; index < to; index += 1)
      times.push(MINUTE_MS * (absolute[from]! + (index - from) / (to - from)))
    from = to
  }
  return times
}
