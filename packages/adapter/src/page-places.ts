import type { EventKind } from '@hansard/compliance-event'
import type { LeftOutReason } from './page.ts'
import type { Skeleton } from './page-comparison.ts'
import type { Token, TokenDocument } from './page-tokens.ts'

type Places = {
  readonly events: readonly {
    readonly kind: EventKind
    readonly reason: LeftOutReason | undefined
    /** It has neither a text nor a stamp by which it could be found. */
    readonly isTraceless: boolean
  }[]
  /** Senders have names beside their addresses, and none of them is in the output. */
  readonly hidesNames: boolean
}

/** Where each event of the token document stands in the output, and what of it does not. */
export function locateEvents(document: TokenDocument, skeleton: Skeleton): Places {
  const seen = new Set(skeleton.tokens)
  const owned: Token[][] = document.events.map(() => [])
  for (const token of document.tokens) if (token.event >= 0) owned[token.event]!.push(token)
  const runs = runsOf(skeleton, document.events.length)
  /** The original's format repeats the first message, and a stylesheet may show it twice; not if it repeats others. */
  const runsMax = document.events.some(({ first }, index) => !first && runs[index]!.length > 1) ? 1 : 2
  /** Forms of a stamp that stand in the output as the document has them. An event may lack one: a whole second. */
  const forms = new Set(skeleton.tokens.flatMap(({ form }) => (form === undefined ? [] : [form])))
  const isNamed = senderCheck(document, skeleton, runs)
  const events = document.events.map((event, index) => {
    const words = owned[index]!.filter(({ role }) => role === 'words')
    const times = owned[index]!.filter(({ form }) => form !== undefined && forms.has(form))
    const said = words.filter((token) => seen.has(token)).length
    const isTimed = times.some((token) => seen.has(token))
    const reason = reasonOf({ words: words.length, said, isTimed, times: times.length })
    const repeated = runs[index]!.length > (event.first ? runsMax : 1)
    return {
      kind: event.kind,
      isTraceless: words.length === 0 && times.length === 0,
      reason: reason ?? (repeated ? 'repeated' : isNamed(index) ? undefined : 'sender'),
    }
  })
  return { events, hidesNames: hidesNames(document, seen) }
}

function reasonOf({
  words,
  said,
  times,
  isTimed,
}: {
  words: number
  said: number
  times: number
  isTimed: boolean
}): LeftOutReason | undefined {
  if (said === 0 && !isTimed) return 'missing'
  if (said < words) return 'in-part'
  return times > 0 && !isTimed ? 'time' : undefined
}

type Run = { readonly from: number; readonly to: number }

/** Per event, the places where it stands: its tokens in a row, with no other event's between them. */
function runsOf({ tokens }: Skeleton, events: number): Run[][] {
  const runs: { from: number; to: number }[][] = Array.from({ length: events }, () => [])
  let before = -1
  for (const [index, { event, role }] of tokens.entries()) {
    // Other texts (a session's name) may be repeated: they are not what was said.
    if (event < 0 || role === 'detail') continue
    const own = runs[event]!
    if (event === before) own.at(-1)!.to = index
    else own.push({ from: index, to: index })
    before = event
  }
  return runs
}

/**
 * Whether an event's sender is named where the event stands: between its neighbours. A stylesheet may name a person
 * once and list what they said: then the last person named before it must be its sender.
 */
function senderCheck(
  document: TokenDocument,
  skeleton: Skeleton,
  runs: readonly (readonly Run[])[],
): (event: number) => boolean {
  const { tokens } = skeleton
  const anywhere = new Set(tokens.filter(isSender).map(({ text }) => text))
  const starts = runs.flat().sort((a, b) => a.from - b.from)
  const position = new Map(starts.map((run, index) => [run, index]))
  return (event) => {
    const own = document.senders[event]!
    if (own.length === 0) return true
    if (!own.some((text) => anywhere.has(text))) return false
    const run = runs[event]![0]
    if (!run) return true
    const index = position.get(run)!
    const from = (starts[index - 1]?.to ?? -1) + 1
    const to = starts[index + 1]?.from ?? tokens.length
    const near = tokens.slice(from, to).filter(isSender)
    if (near.length === 0 || near.some(({ text }) => own.includes(text))) return true
    for (let before = run.from - 1; before >= 0; before--) {
      const token = tokens[before]!
      if (isSender(token)) return own.includes(token.text)
    }
    return false
  }
}

const isSender = ({ role, event }: Token): boolean => event < 0 && (role === 'sender' || role === 'name')

function hidesNames({ tokens, events }: TokenDocument, seen: ReadonlySet<Token>): boolean {
  const names = tokens.filter(({ role }) => role === 'name')
  return events.length > 0 && names.length > 0 && !names.some((token) => seen.has(token))
}
