import type { LastReport } from '@hansard/pool-store'
import type { StagingStatus } from '@hansard/staging'
import type { MissingNumbers } from './missing-numbers.ts'

/** Anything older than this raises an alarm. Milliseconds. */
const ROLL_CALL_STALE = 15_000
export const SOURCE_SILENT = 15_000
const OUTBOX_STALE = 60_000
const SKEW_MAX = 5_000
/** An adapter may keep its interval's pool manifest waiting for a minute. */
const UNSIGNED_STALE = 180_000
/** A pool database that was set back is named for so long: what is lost stays lost. */
const SET_BACK_SHOWN = 7 * 24 * 3_600_000

/**
 * Worst first: what threatens the record, then what delays it.
 *
 * An alarm names what is broken, not its symptoms. While source progress does not arrive, the compliance database
 * cannot know which source is silent. Then only the pool database is trusted, and consequences of a broken Redis
 * raise no alarm.
 */
export function alarmsOf(
  staging: Pick<
    StagingStatus,
    | 'quarantine'
    | 'auditProblem'
    | 'damagedFiles'
    | 'incompleteExports'
    | 'anchors'
    | 'poolSealing'
    | 'forks'
    | 'setBacks'
    | 'adapters'
    | 'sources'
    | 'rollCallTakenAt'
    | 'exporter'
  >,
  {
    now,
    missing,
    unrecorded,
    outboxOldestAt,
    queue,
    queueTroubles,
    reports,
    relayLeads,
    shutOut,
  }: {
    now: number
    missing: readonly MissingNumbers[]
    /** living sources that serve participants whose joins they did not record */
    unrecorded: readonly { source: string; epoch: number; participants: number; lastSeq: number }[]
    outboxOldestAt: number | null
    queue: { failed: number } | undefined
    /** what is wrong with Redis, in sentences */
    queueTroubles: readonly string[]
    /** when each living source last reported, according to the pool database */
    reports: readonly LastReport[]
    /** a relay holds the lease */
    relayLeads: boolean
    /** the active servers, when none of them is running */
    shutOut: readonly string[]
  },
): string[] {
  const alarms: string[] = []
  const seconds = (ms: number) => `${Math.round(ms / 1_000)} s`
  for (const { source, epoch, incarnation, seq, events } of staging.forks) {
    const name = incarnation === '' ? `${source}/${epoch}` : `${source}/${epoch}/${incarnation}`
    const texts = events === 0 ? 'no other text has arrived' : `${events} texts that differ are in quarantine`
    alarms.push(
      `The record and the pool database differ in source ${name}, from number ${seq} on: ${texts}. Was a database restored?`,
    )
  }
  for (const { source, epoch, incarnation, poolSeq, lastSeq, stagedThrough, closedThrough, at } of staging.setBacks) {
    if (now - at > SET_BACK_SHOWN) continue
    const name = incarnation === '' ? `${source}/${epoch}` : `${source}/${epoch}/${incarnation}`
    const known = Math.max(lastSeq, stagedThrough)
    const count = (through: number) => Math.max(0, through - poolSeq)
    alarms.push(
      `The pool database was set back: numbers ${poolSeq + 1} to ${known} of source ${name} are no longer in it. ` +
        `${count(stagedThrough)} of these ${known - poolSeq} are in the record, ${count(closedThrough)} of them in closed intervals; ` +
        `${known - Math.max(stagedThrough, poolSeq)} are lost.`,
    )
  }
  for (const { source, epoch, from, to } of missing) {
    const numbers = from === to ? `event ${from}` : `events ${from} to ${to}`
    alarms.push(
      `Numbers of source ${source}/${epoch} do not arrive: ${numbers} (${to - from + 1} in all) are neither staged nor in the outbox, and are in no export. Somebody removed them from the outbox; stop that, and put them back from a backup.`,
    )
  }
  for (const { source, epoch, participants, lastSeq } of unrecorded) {
    alarms.push(
      `Source ${source}/${epoch} serves people and records nothing: ${participants} of its participants joined after its last event, number ${lastSeq}. Stop the service, and keep its database for examination.`,
    )
  }
  for (const { source, epoch, clockOffMs } of reports) {
    if (clockOffMs === null) continue
    alarms.push(
      `The clock of source ${source}/${epoch} is ${seconds(Math.abs(clockOffMs))} ${clockOffMs > 0 ? 'ahead' : 'behind'}: it accepts nothing until the clock is right. Set the clock that is wrong; if it was set and is right now, restart the service.`,
    )
  }
  if (staging.auditProblem !== null) {
    alarms.push(
      `The chain of the audit trail is broken: ${staging.auditProblem} \`hansard audit verify\` recomputes it.`,
    )
  }
  if (staging.quarantine.count > 0) {
    alarms.push(
      `${staging.quarantine.count} events are in quarantine and in no export. See \`hansard quarantine list\`.`,
    )
  }
  const { count, files } = staging.damagedFiles
  for (const { adapter, number, directory, name, problem } of files) {
    const restore = `\`hansard exports restore ${adapter}/${number}\` writes the sealed bytes again.`
    alarms.push(`The sealed file ${directory}/${name} ${problem}. ${restore}`)
  }
  if (count > files.length) alarms.push(`${count - files.length} more sealed files are not as they were sealed.`)
  const incomplete = staging.incompleteExports
  for (const { adapter, number, incomplete: words } of incomplete.exports) {
    alarms.push(
      `${adapter}/${number} was sealed as incomplete: ${words}. Correct the stylesheet of ${adapter}; nothing is lost.`,
    )
  }
  if (incomplete.count > incomplete.exports.length)
    alarms.push(
      `${incomplete.count - incomplete.exports.length} more exports of the last week were sealed as incomplete.`,
    )
  const { problem: unsignedBecause, unsigned } = staging.poolSealing
  if (unsignedBecause !== null) alarms.push(`Pool manifests are not being signed: ${unsignedBecause}`)
  else if (unsigned !== null && now - unsigned.closedAt > UNSIGNED_STALE)
    alarms.push(
      `Pool manifests are not being signed: interval ${unsigned.interval} has waited for ${seconds(now - unsigned.closedAt)}. Start the exporting worker again with the pool's signing key.`,
    )
  for (const { name, problem } of staging.adapters) if (problem !== null) alarms.push(`Adapter ${name}: ${problem}`)
  for (const { name, problem, problemSince, overdue } of staging.anchors)
    if (overdue)
      alarms.push(`Anchor ${name}: no checkpoint was delivered for ${seconds(now - problemSince!)}. ${problem}`)
  alarms.push(...queueTroubles)
  if (queue === undefined && queueTroubles.length === 0)
    alarms.push('The queue cannot be reached. Nothing is lost; events wait in the outbox.')
  const queueBroken = queue === undefined || queueTroubles.length > 0
  const rollCallAge = staging.rollCallTakenAt === null ? undefined : now - staging.rollCallTakenAt
  const rollCallsArrive = rollCallAge !== undefined && rollCallAge <= ROLL_CALL_STALE
  const reportedAt = new Map(reports.map((each) => [`${each.source}/${each.epoch}`, each.reportedAt]))
  for (const { source: known, epoch, state, holding, silentForMs, reportedAt: staged } of staging.sources) {
    const name = `${known}/${epoch}`
    const own = reportedAt.get(name)
    const silentFor = own === undefined ? (rollCallsArrive ? silentForMs : 0) : now - own
    // Around the end of an interval every living source holds it open until its next report: that is normal.
    if (holding && (state === 'alive' ? silentFor > SOURCE_SILENT : rollCallsArrive)) {
      const silent = state === 'alive' ? `has been silent for ${seconds(silentFor)}` : 'is not staged to its end'
      alarms.push(
        `Source ${name} ${silent} and holds the interval open. Restart it, or \`hansard sources declare-dead ${known}\`.`,
      )
    } else if (state === 'alive' && silentFor > SOURCE_SILENT) {
      alarms.push(`Source ${name} has been silent for ${seconds(silentFor)}.`)
    }
    if (staged - now > SKEW_MAX) {
      alarms.push(`The clock of source ${name} is ${seconds(staged - now)} ahead of this server's.`)
    }
  }
  if (shutOut.length > 0) {
    alarms.push(
      `Nobody can sign in: no active server is running (${shutOut.join(', ')}). Start one, or \`hansard pool active-servers --all\`.`,
    )
  }
  if (!queueBroken) {
    if (!relayLeads) alarms.push('No relay is running: events wait in the outbox. Start one.')
    else if (rollCallAge === undefined)
      alarms.push('No source progress has reached the compliance database yet. Is a worker running?')
    else if (!rollCallsArrive)
      alarms.push(
        `The last source progress is ${seconds(rollCallAge)} old. Are a relay, the queue and a worker running?`,
      )
    else if (outboxOldestAt !== null && now - outboxOldestAt > OUTBOX_STALE)
      alarms.push(
        `The oldest event in the outbox is ${seconds(now - outboxOldestAt)} old: events are not being staged.`,
      )
  }
  if (staging.exporter === null && rollCallAge !== undefined)
    alarms.push('No compliance worker holds the exporter’s lease.')
  if (queue !== undefined && queue.failed > 0) alarms.push(`${queue.failed} envelopes were set aside by the queue.`)
  return alarms
}
