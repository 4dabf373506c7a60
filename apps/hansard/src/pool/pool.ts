import { openAdmin } from '../cli/admin-client.ts'
import { misused } from '../cli/command-failure.ts'
import { answer, type ExitCode, type Io } from '../cli/io.ts'
import { properties } from '../cli/table.ts'
import { type PoolOptions, said } from '../cli/verb.ts'

export async function poolState(io: Io, state: string | undefined, options: PoolOptions): Promise<ExitCode> {
  if (state !== undefined && state !== 'normal' && state !== 'failed-over') {
    throw misused(`"${state}" is no state of a pool.`, 'It is normal or failed-over.')
  }
  const admin = await openAdmin(io, options)
  const shown =
    state === undefined ? await admin.ask('poolState') : await admin.ask('setPoolState', { body: { state } })
  const kept =
    state === undefined
      ? ''
      : 'That is kept, on record and shown by status. It switches nothing: databases and servers are moved by hand.\n'
  answer(io, options.json, shown, () => `${shown.pool}: ${shown.state}\n${kept}`)
  return 0
}

export async function activeServers(
  io: Io,
  options: PoolOptions & { add: readonly string[]; remove: readonly string[]; all: boolean; swap: boolean },
): Promise<ExitCode> {
  const { all, swap } = options
  const change = said({ add: [...options.add], remove: [...options.remove] })
  const wanted = [all, swap, Object.keys(change).length > 0].filter(Boolean).length
  if (wanted > 1) throw misused('Say one of --add and --remove, --all, --swap.')
  const admin = await openAdmin(io, options)
  const shown = swap
    ? await admin.ask('swapActiveServers')
    : all
      ? await admin.ask('setActiveServers', { body: { servers: { set: [] } } })
      : wanted === 1
        ? await admin.ask('setActiveServers', { body: { servers: change } })
        : await admin.ask('activeServers')
  answer(io, options.json, shown, () =>
    properties([
      ['active', shown.active],
      ['inactive', shown.inactive],
    ]),
  )
  return 0
}
