import type { EventKind } from '@hansard/compliance-event'

/** Why an event does not count as shown. The words are stable: they are meant to be sealed. */
export type LeftOutReason =
  | 'missing' // nothing of it is in the output
  | 'in-part' // one of its texts is not
  | 'time' // other events have their time in the output, it has not
  | 'sender' // its sender is not named, or somebody else is named in their place
  | 'repeated' // it stands there more than once
  | 'changed' // its texts do not stand there as they were written, or only depending on what they say
  | 'malformed' // the output is not well-formed XML

export type PageProblem =
  | 'empty' // 0 bytes
  | 'malformed'
  | 'names' // senders have names, and the output has none of them
  | 'depends-on-texts' // the output of other texts has another skeleton

export type Page = {
  readonly shown: Readonly<Partial<Record<EventKind, number>>>
  readonly leftOut: readonly { readonly kind: EventKind; readonly reason: LeftOutReason; readonly events: number }[]
  readonly problems: readonly PageProblem[]
}

export const showsEverything = ({ leftOut, problems }: Page): boolean => leftOut.length === 0 && problems.length === 0
