/** How findings name a source. `incarnation` is absent or "" for one that started before there were incarnations. */
export function nameOfSource({
  source,
  epoch,
  incarnation = '',
}: {
  readonly source: string
  readonly epoch: number
  readonly incarnation?: string | undefined
}): string {
  return incarnation === '' ? `${source}/${epoch}` : `${source}/${epoch}/${incarnation}`
}
