/**
 * One line of a chain file: one number of one source.
 *
 *     source ⇥ epoch ⇥ number ⇥ leaf                          the event is in the documents of this export
 *     source ⇥ epoch ⇥ number ⇥ leaf ⇥ quarantined ⇥ head     it could not be read, and is in none of them
 *
 * The leaf of a number in quarantine is the hash of the text that lies there. Whether that is the text that was accepted
 * shows against the head the source made then, which is why the line carries it: the chain goes on from there.
 */
export type ChainLine = {
  readonly source: string
  readonly epoch: number
  readonly seq: number
  readonly leaf: string
  /** for a number in quarantine: the head of the chain at this number, as the source recorded it at accept time */
  readonly quarantinedHead?: string | undefined
}

/** With its line break. Sources are escaped as in a URI, so a line has as many tabs as it seems to have. */
export function chainLine({ source, epoch, seq, leaf, quarantinedHead }: ChainLine): string {
  const quarantined = quarantinedHead === undefined ? '' : `\tquarantined\t${quarantinedHead}`
  return `${encodeURIComponent(source)}\t${epoch}\t${seq}\t${leaf}${quarantined}\n`
}

const LINE = /^([^\t]+)\t([1-9][0-9]{0,14})\t([1-9][0-9]{0,14})\t([0-9a-f]{64})(?:\tquarantined\t([0-9a-f]{64}))?$/

/** Takes a line without its line break. The source stays escaped: compare it with `encodeURIComponent(source)`. */
export function parseChainLine(line: string): (Omit<ChainLine, 'source'> & { escapedSource: string }) | undefined {
  const match = LINE.exec(line)
  if (!match) return undefined
  const [, escapedSource, epoch, seq, leaf, quarantinedHead] = match
  return { escapedSource: escapedSource!, epoch: Number(epoch), seq: Number(seq), leaf: leaf!, quarantinedHead }
}
