import { QuarantineRetryResult } from '@hansard/admin-contract'
import { systemClock } from '@hansard/clock'
import { awaitRequest, openAdmin } from '../cli/admin-client.ts'
import { answer, type ExitCode, type Io } from '../cli/io.ts'
import type { AddressOptions } from '../cli/pool-address.ts'
import { startWaiting } from '../cli/progress.ts'
import { counted, table, utc } from '../cli/table.ts'

type Options = AddressOptions & { readonly json: boolean }

/** Events that could not be staged; exit code 1 when there are any. */
export async function listQuarantine(io: Io, options: Options): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const quarantine = await admin.ask('quarantine')
  answer(io, options.json, quarantine, () =>
    [
      `${counted(quarantine.count, 'event')} in quarantine\n`,
      ...(quarantine.events.length === 0
        ? []
        : [
            table(
              ['EVENT', 'AT', 'SINCE', 'REASON'],
              quarantine.events.map(({ source, epoch, seq, at, quarantinedAt, reason }) => [
                `${source}/${epoch}/${seq}`,
                utc(at),
                utc(quarantinedAt),
                reason,
              ]),
            ),
          ]),
    ].join(''),
  )
  return quarantine.count > 0 ? 1 : 0
}

export async function retryQuarantine(io: Io, options: Options): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const { request } = await admin.ask('retryQuarantine')
  const progress = startWaiting(io, { what: 'staging again', json: options.json })
  try {
    const done = await awaitRequest(admin, request, {
      clock: systemClock,
      stop: io.stop,
      waiting: () => progress.update(0),
    })
    progress.end()
    const result = QuarantineRetryResult.parse(done.result)
    answer(
      io,
      options.json,
      result,
      () => `${counted(result.staged, 'event')} staged, ${result.remaining} still in quarantine.\n`,
    )
    return result.remaining > 0 ? 1 : 0
  } finally {
    progress.end()
  }
}
