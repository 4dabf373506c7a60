import { SealResult } from '@hansard/admin-contract'
import { systemClock } from '@hansard/clock'
import { awaitRequest, openAdmin } from '../admin-client.ts'
import { answer, type ExitCode, type Io } from '../io.ts'
import type { AddressOptions } from '../pool-address.ts'
import { startWaiting } from '../progress.ts'
import { table, utc } from '../table.ts'

/** Ends the open interval now, and waits until every adapter has sealed its export of it. */
export async function sealCommand(io: Io, options: AddressOptions & { json: boolean }): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const { request } = await admin.ask('seal')
  const progress = startWaiting(io, { what: 'sealing', json: options.json })
  try {
    const done = await awaitRequest(admin, request, {
      clock: systemClock,
      stop: io.stop,
      waiting: ({ reason }) => progress.update(0, reason ?? ''),
    })
    progress.end()
    const sealed = SealResult.parse(done.result)
    answer(io, options.json, sealed, () =>
      [
        `Sealed ${utc(sealed.start)} to ${utc(sealed.end)}.\n`,
        table(
          ['EXPORT', 'EVENTS'],
          sealed.exports.map(({ adapter, number, events }) => [`${adapter}/${number}`, events]),
        ),
      ].join(''),
    )
    return 0
  } finally {
    progress.end()
  }
}
