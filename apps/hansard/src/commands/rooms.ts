import type { RoomEntry } from '@hansard/admin-contract'
import { roomNameProblem } from '@hansard/rooms'
import { openAdmin } from '../admin-client.ts'
import { misused } from '../command-failure.ts'
import { answer, type ExitCode, type Io } from '../io.ts'
import type { AddressOptions } from '../pool-address.ts'
import { table } from '../table.ts'

type Options = AddressOptions & { readonly json: boolean }

/** Adds rooms: open to everyone in the pool, or closed to all but their members. */
export async function addRooms(
  io: Io,
  names: readonly string[],
  options: Options & { closed: boolean; member: readonly string[] },
): Promise<ExitCode> {
  for (const name of names) {
    const problem = roomNameProblem(name)
    if (problem) throw misused(`${JSON.stringify(name)}: ${problem}`)
  }
  const admin = await openAdmin(io, options)
  const privacy = options.closed ? ('closed' as const) : ('open' as const)
  const members = options.member.length === 0 ? {} : { members: [...options.member] }
  const { rooms } = await admin.ask('addRooms', {
    body: { rooms: names.map((name) => ({ name, privacy, ...members })) },
  })
  answer(io, options.json, { rooms }, () =>
    rooms.map(({ name, uri, created }) => `${name}  ${uri}${created ? '' : '  existed already'}\n`).join(''),
  )
  return 0
}

export async function listRooms(io: Io, options: Options): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const rooms: RoomEntry[] = []
  let after: string | undefined
  for (;;) {
    const page = await admin.ask('listRooms', { query: { after, limit: 1_000 } })
    rooms.push(...page.rooms)
    if (page.next === null) break
    after = page.next
  }
  answer(io, options.json, { rooms }, () =>
    table(
      ['ROOM', 'URI', 'PRIVACY'],
      rooms.map(({ name, uri, privacy, disabled }) => [name, uri, disabled ? `${privacy}, disabled` : privacy]),
    ),
  )
  return 0
}
