export type RecordError = RecordUnavailable | SourceFenced | RecordBusy | RecordStopped

/** Transient: the database could not be reached or did not commit. Whether the batch is on record is unknown. */
export class RecordUnavailable extends Error {
  override name = 'RecordUnavailable'
}

/**
 * Transient: the clock of this service is not to be believed, so nothing was stamped and nothing recorded. `ms` is how
 * far it is ahead (negative: behind) of what it was compared with.
 */
export class ClockOff extends RecordUnavailable {
  override name = 'ClockOff'
  readonly ms: number
  constructor({ ms, from }: { ms: number; from: 'database' | 'uptime' | 'stamps' }) {
    const difference = `${Math.round(Math.abs(ms) / 1_000)} s ${ms > 0 ? 'ahead' : 'behind'}`
    const [than, mend] = {
      database: [`${difference} of the database's`, 'Correct the one that is wrong.'],
      uptime: [
        `${difference} of what the machine's uptime gives: it was set`,
        'Set it right, or restart the service if it is right now.',
      ],
      stamps: [
        `${difference} of the last stamp that this source gave`,
        'Set it right, or restart the service if it is right now.',
      ],
    }[from] as [string, string]
    super(`This service's clock is ${than}. It accepts nothing until the clock is right. ${mend}`)
    this.ms = ms
  }
}

/** Transient: the writer's limit of waiting facts is reached. This fact was not accepted. */
export class RecordBusy extends Error {
  override name = 'RecordBusy'
}

/**
 * Permanent: this instance can record nothing more. A successor has taken over this source's name, or the pool database
 * is older than what this instance has recorded in it (`wentBack`).
 */
export class SourceFenced extends Error {
  override name = 'SourceFenced'
  constructor(source: { name: string; epoch: number }, wentBack?: { committed: number; found: number }) {
    const name = `Epoch ${source.epoch} of source ${source.name}`
    super(
      wentBack
        ? `${name} has recorded number ${wentBack.committed}, and the pool database knows it only up to ${wentBack.found} or with another chain: the database was restored, or a standby was promoted. This instance must stop; its next start takes a new incarnation.`
        : `${name} has been ended by a successor or an operator; this instance must stop.`,
    )
  }
}

/** Permanent: this writer was stopped. The fact was not accepted. */
export class RecordStopped extends Error {
  override name = 'RecordStopped'
}

/**
 * @internal The source's row differs from what this writer remembers: either a commit of unknown outcome did happen,
 * or a successor has ended the source. The row says which.
 */
export class SourceMoved extends Error {
  override name = 'SourceMoved'
  constructor(source: { name: string; epoch: number; lastSeq: number }) {
    super(`Source ${source.name}/${source.epoch} is not at number ${source.lastSeq}, or is not alive.`)
  }
}
