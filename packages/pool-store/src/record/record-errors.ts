export type RecordError = RecordUnavailable | SourceFenced | RecordBusy | RecordStopped

/** Transient: the database could not be reached or would not commit. Whether the batch is on record is unknown. */
export class RecordUnavailable extends Error {
  override name = 'RecordUnavailable'
}

/** Transient: more facts are waiting than the writer may hold. This one was not taken. */
export class RecordBusy extends Error {
  override name = 'RecordBusy'
}

/** For good: a successor has taken over this source's name. Nothing more can be recorded by this instance. */
export class SourceFenced extends Error {
  override name = 'SourceFenced'
  constructor(source: { name: string; epoch: number }) {
    super(
      `Epoch ${source.epoch} of source ${source.name} has been ended by a successor or an operator; this instance must stop.`,
    )
  }
}

/** For good: this writer was stopped. The fact was not taken. */
export class RecordStopped extends Error {
  override name = 'RecordStopped'
}

/**
 * @internal The source's row is not where this writer believes it to be: a commit of unknown outcome has happened after
 * all, or a successor has ended the source. Which, its row tells.
 */
export class SourceMoved extends Error {
  override name = 'SourceMoved'
  constructor(source: { name: string; epoch: number; lastSeq: number }) {
    super(`Source ${source.name}/${source.epoch} does not stand at ${source.lastSeq}, or is not alive.`)
  }
}
