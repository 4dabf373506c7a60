import type { ChangeValue } from '@hansard/compliance-event'

export type SubjectProperties = Readonly<Record<string, ChangeValue>>

/** A room, a category, a principal or a setting, according to its changes. */
export type SubjectState = {
  readonly uri: string
  readonly name: string
  /** Deleted; the properties are its final state. */
  readonly deleted: boolean
  /** Only what changes recorded; a subject from before the first event is known in part. Lists are sorted. */
  readonly properties: SubjectProperties
}

/** A subject while events are applied to it: lists are sets, because they may be long and change often. */
export type MutableSubject = {
  readonly uri: string
  name: string
  deleted: boolean
  readonly plain: Map<string, Exclude<ChangeValue, string[]>>
  readonly lists: Map<string, Set<string>>
}

export function loadSubject({ uri, name, deleted, properties }: SubjectState): MutableSubject {
  const subject: MutableSubject = { uri, name, deleted, plain: new Map(), lists: new Map() }
  for (const [property, value] of Object.entries(properties)) {
    if (Array.isArray(value)) subject.lists.set(property, new Set(value))
    else subject.plain.set(property, value)
  }
  return subject
}

export function snapshotSubject({ uri, name, deleted, plain, lists }: MutableSubject): SubjectState {
  const values: [string, ChangeValue][] = [...plain]
  for (const [property, entries] of lists) values.push([property, [...entries].sort()])
  // Without a prototype, because a property may have any name.
  const properties: Record<string, ChangeValue> = Object.create(null)
  for (const [property, value] of values.sort(([a], [b]) => (a < b ? -1 : 1))) properties[property] = value
  return { uri, name, deleted, properties: properties satisfies SubjectProperties }
}
