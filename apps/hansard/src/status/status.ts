import type { PoolStatus } from '@hansard/admin-contract'
import { openAdmin } from '../cli/admin-client.ts'
import { answer, type ExitCode, type Io } from '../cli/io.ts'
import type { AddressOptions } from '../cli/pool-address.ts'
import { counted, duration, table, utc, visible } from '../cli/table.ts'

/** Where everything is that was accepted; exit code 1 when something needs a person. */
export async function statusCommand(io: Io, options: AddressOptions & { json: boolean }): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const status = await admin.ask('status')
  answer(io, options.json, status, () => describe(status))
  return status.alarms.length > 0 ? 1 : 0
}

/** A stamp by a clock that is ahead has no age yet. */
function age(ms: number): string {
  return ms < 0 ? `${duration(-ms)} in the future` : duration(ms)
}

function describe(status: PoolStatus): string {
  const { outbox, queue, staged, quarantine, openInterval } = status
  const number = (value: number) => value.toLocaleString('en-US')
  const oldest = outbox.oldestAt === null ? '' : `, oldest ${age(status.takenAt - outbox.oldestAt)}`
  return [
    ...status.alarms.map((alarm) => `!! ${visible(alarm)}\n`),
    ...(status.alarms.length > 0 ? ['\n'] : []),
    `Pool        ${visible(status.pool)}${status.state === 'normal' ? '' : `, said to be ${status.state}`}, ${utc(status.takenAt)}, version ${status.version}\n`,
    `Outbox      ${counted(outbox.rows, 'event')}${oldest}\n`,
    `Queue       ${number(queue.waiting)} waiting, ${number(queue.active)} active, ${number(queue.failed)} failed\n`,
    `Staged      ${counted(staged.events, 'event')}\n`,
    `Unexported  ${status.oldestUnexportedAgeMs === null ? 'nothing' : `oldest ${age(status.oldestUnexportedAgeMs)}`}\n`,
    `Interval    ${openInterval === null ? 'none open yet' : `${utc(openInterval.start)} to ${utc(openInterval.end)}, open`}\n`,
    `Quarantine  ${counted(quarantine.count, 'event')}\n`,
    ...status.notices.map((notice) => `Note        ${visible(notice)}\n`),
    '\n',
    table(
      ['SOURCE', 'EPOCH', 'STATE', 'LAST', 'STAGED', 'REPORTED', ''],
      status.sources.map((one) => [
        one.source,
        one.epoch,
        one.state,
        one.lastSeq,
        one.stagedThrough,
        one.silentForMs < 0 ? `${age(one.silentForMs)}: its clock is ahead` : `${duration(one.silentForMs)} ago`,
        one.holding ? 'holds the interval open' : '',
      ]),
    ),
    '\n',
    table(
      ['ADAPTER', 'LAST SEALED', 'FROM', 'TO', 'SEALED', 'PROBLEM'],
      status.adapters.map(({ name, lastSealed, problem }) => [
        name,
        lastSealed === null ? 'none' : `${name}/${lastSealed.number}`,
        lastSealed === null ? '' : utc(lastSealed.start),
        lastSealed === null ? '' : utc(lastSealed.end),
        lastSealed === null ? '' : utc(lastSealed.sealedAt),
        problem ?? '',
      ]),
    ),
    ...describeAnchors(status.anchors),
    ...status.endedAdapters.map(({ name, lastSealed }) => {
      const since = lastSealed === null ? '' : ` since ${name}/${lastSealed.number}, sealed ${utc(lastSealed.sealedAt)}`
      return `\nThe series ${visible(name)} has ended: nothing has been written to it${since}.\n`
    }),
  ].join('')
}

function describeAnchors(anchors: PoolStatus['anchors']): string[] {
  if (anchors.length === 0) return []
  return [
    '\n',
    table(
      ['ANCHOR', 'LAST DELIVERED', 'AT', 'PROBLEM'],
      anchors.map(({ name, lastDelivered, problem }) => [
        name,
        lastDelivered === null ? 'nothing yet' : lastDelivered.stem,
        lastDelivered === null ? '' : utc(lastDelivered.deliveredAt),
        problem ?? '',
      ]),
    ),
  ]
}
