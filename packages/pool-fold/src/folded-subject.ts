import type { ChangeValue } from '@hansard/compliance-event'
import type { FoldedSubject, Properties } from './fold-pool.ts'

/** A subject while it is being folded: lists as sets, because they may be long and change often. */
export type MutableSubject = {
  readonly uri: string
  name: string
  deleted: boolean
  readonly plain: Map<string, Exclude<ChangeValue, string[]>>
  readonly lists: Map<string, Set<string>>
}

export function loadSubject({ uri, name, deleted, properties }: FoldedSubject): MutableSubject {
  const subject: MutableSubject = { uri, name, deleted, plain: new Map(), lists: new Map() }
  for (const [property, value] of Object.entries(properties)) {
    if (Array.isArray(value)) subject.lists.set(property, new Set(value))
    else subject.plain.set(property, value)
  }
  return subject
}

export function snapshotSubject({ uri, name, deleted, plain, lists }: MutableSubject): FoldedSubject {
  const values: [string, ChangeValue][] = [...plain]
  for (const [property, entries] of lists) values.push([property, [...entries].sort()])
  // Without a prototype, because a property may have any name.
  const properties: Record<string, ChangeValue> = Object.create(null)
  for (const [property, value] of values.sort(([a], [b]) => (a < b ? -1 : 1))) properties[property] = value
  return { uri, name, deleted, properties: properties satisfies Properties }
}
