import type { StagingStatus } from '@hansard/staging'

/** Anything older than this raises an alarm. Milliseconds. */
const ROLL_CALL_STALE = 15_000
export const SOURCE_SILENT = 15_000
const OUTBOX_STALE = 60_000
const SKEW_MAX = 5_000

/** Worst first: what threatens the record, then what delays it. */
export function alarmsOf(
  staging: Pick<StagingStatus, 'quarantine' | 'adapters' | 'sources' | 'rollCallTakenAt' | 'exporter'>,
  {
    now,
    outboxOldestAt,
    queue,
    shutOut,
  }: {
    now: number
    outboxOldestAt: number | null
    queue: { failed: number } | undefined
    /** the active servers, when none of them is running */
    shutOut: readonly string[]
  },
): string[] {
  const alarms: string[] = []
  const seconds = (ms: number) => `${Math.round(ms / 1_000)} s`
  if (staging.quarantine.count > 0) {
    alarms.push(
      `${staging.quarantine.count} events are in quarantine and in no export. See \`hansard quarantine list\`.`,
    )
  }
  for (const { name, problem } of staging.adapters) if (problem !== null) alarms.push(`Adapter ${name}: ${problem}`)
  for (const source of staging.sources) {
    const name = `${source.source}/${source.epoch}`
    // Around the end of an interval every living source holds it open until its next report: that is normal.
    if (source.holding && (source.state !== 'alive' || source.silentForMs > SOURCE_SILENT)) {
      const silent =
        source.state === 'alive' ? `has been silent for ${seconds(source.silentForMs)}` : 'is not staged to its end'
      alarms.push(
        `Source ${name} ${silent} and holds the interval open. Bring it back, or \`hansard sources declare-dead ${source.source}\`.`,
      )
    } else if (source.state === 'alive' && source.silentForMs > SOURCE_SILENT) {
      alarms.push(`Source ${name} has been silent for ${seconds(source.silentForMs)}.`)
    }
    if (source.reportedAt - now > SKEW_MAX) {
      alarms.push(`The clock of source ${name} is ${seconds(source.reportedAt - now)} ahead of this server's.`)
    }
  }
  if (shutOut.length > 0) {
    alarms.push(
      `Nobody can sign in: no active server is running (${shutOut.join(', ')}). Start one, or \`hansard pool active-servers --all\`.`,
    )
  }
  const rollCallAge = staging.rollCallTakenAt === null ? undefined : now - staging.rollCallTakenAt
  if (rollCallAge === undefined)
    alarms.push('No roll call has reached the compliance database yet. Is a relay running?')
  else if (rollCallAge > ROLL_CALL_STALE) {
    alarms.push(`The last roll call is ${seconds(rollCallAge)} old. Are a relay, the queue and a worker running?`)
  }
  if (outboxOldestAt !== null && now - outboxOldestAt > OUTBOX_STALE) {
    alarms.push(`The oldest event in the outbox is ${seconds(now - outboxOldestAt)} old: events are not being staged.`)
  }
  if (staging.exporter === null && rollCallAge !== undefined)
    alarms.push('No compliance worker holds the exporter’s lease.')
  if (queue === undefined) alarms.push('The queue cannot be reached. Nothing is lost; events wait in the outbox.')
  else if (queue.failed > 0) alarms.push(`${queue.failed} envelopes were set aside by the queue.`)
  return alarms
}
