/**
 * One line of a chain file: one number of one source.
 *
 *     source ⇥ epoch ⇥ incarnation ⇥ number ⇥ leaf                          the event is in this export's documents
 *     source ⇥ epoch ⇥ incarnation ⇥ number ⇥ leaf ⇥ quarantined ⇥ head     it could not be read and is in none of them
 *
 * The incarnation is `-` for a source that has none. In the first two formats there is no such field.
 *
 * The leaf of a quarantined number is the hash of the text in quarantine. The head that the source computed at accept
 * time shows whether that is the accepted text, so the line carries the head, and the chain continues from it.
 */
export type ChainLine = {
  readonly source: string
  readonly epoch: number
  /** undefined: a line of the first two formats */
  readonly incarnation?: string | undefined
  readonly seq: number
  readonly leaf: string
  /** for a quarantined number: the chain head at this number, as the source recorded it at accept time */
  readonly quarantinedHead?: string | undefined
}

/** The line with its line break. Sources are escaped as in a URI, so a source cannot contain a tab. */
export function chainLine({ source, epoch, incarnation, seq, leaf, quarantinedHead }: ChainLine): string {
  const quarantined = quarantinedHead === undefined ? '' : `\tquarantined\t${quarantinedHead}`
  const named = incarnation === undefined ? '' : `${incarnation || NO_INCARNATION}\t`
  return `${encodeURIComponent(source)}\t${epoch}\t${named}${seq}\t${leaf}${quarantined}\n`
}

const NO_INCARNATION = '-'
const LINE =
  /^([^\t]+)\t([1-9][0-9]{0,14})\t(?:(-|[0-9a-f]{32})\t)?([1-9][0-9]{0,14})\t([0-9a-f]{64})(?:\tquarantined\t([0-9a-f]{64}))?$/

export type ParsedChainLine = Omit<ChainLine, 'source'> & { readonly escapedSource: string }

/** Parses a line without its line break. The source stays escaped; compare it with `encodeURIComponent(source)`. */
export function parseChainLine(line: string, { incarnations }: { incarnations: boolean }): ParsedChainLine | undefined {
  const match = LINE.exec(line)
  if (!match || (match[3] !== undefined) !== incarnations) return undefined
  const [, escapedSource, epoch, named, seq, leaf, quarantinedHead] = match
  const incarnation = named === NO_INCARNATION ? '' : named
  return {
    ...{ escapedSource: escapedSource!, epoch: Number(epoch), incarnation },
    ...{ seq: Number(seq), leaf: leaf!, quarantinedHead },
  }
}
