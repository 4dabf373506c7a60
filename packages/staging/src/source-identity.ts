/** What names a source. `incarnation` is absent or "" for one that started before there were incarnations. */
export type SourceIdentity = {
  readonly source: string
  readonly epoch: number
  readonly incarnation?: string | undefined
}

/** The identity as one text, for maps. Two incarnations that share name and epoch are two sources. */
export const keyOfSource = ({ source, epoch, incarnation = '' }: SourceIdentity): string =>
  incarnation === '' ? `${source}/${epoch}` : `${source}/${epoch}/${incarnation}`

/** By name (UTF-16), then epoch, then incarnation: the order in manifests. */
export function byIdentity(a: SourceIdentity, b: SourceIdentity): number {
  if (a.source !== b.source) return a.source < b.source ? -1 : 1
  if (a.epoch !== b.epoch) return a.epoch - b.epoch
  const [first, second] = [a.incarnation ?? '', b.incarnation ?? '']
  return first === second ? 0 : first < second ? -1 : 1
}
