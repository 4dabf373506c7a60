import { ChangeRoomRequest, CreateRoomRequest, ListRoomsQuery } from '@hansard/admin-contract'
import type { Command } from 'commander'
import { type GivenOptions, schemaOptions } from '../cli/schema-options.ts'
import { atLeastOne, DATES, lastMoment, type PoolOptions, poolVerb, several, type Verbs } from '../cli/verb.ts'
import { CREATE_ROOM_TEXTS, LIST_ROOMS_TEXTS } from './room-texts.ts'
import type { AddRoomsOptions } from './rooms.ts'

export function addRoomsVerbs(program: Command, { io, run }: Verbs): void {
  const rooms = program.command('rooms').description('rooms')

  several(
    poolVerb(rooms, 'add', 'add rooms that do not exist yet, open to everybody in the category')
      .argument('<name...>')
      .option('--category <name>', 'the pool’s default category when absent')
      .option('--closed', 'only members may join', false),
    '--member <principal>',
    'a member',
  ).action(
    run(async (names: string[], options: AddRoomsOptions) => {
      const { addRooms } = await import('./rooms.ts')
      return addRooms(io, names, options)
    }),
  )

  const create = poolVerb(rooms, 'create', 'create a room with all its properties; closed unless it says otherwise')
    .argument('<name>')
    .requiredOption('--category <name>')
  schemaOptions(create, CreateRoomRequest, { texts: CREATE_ROOM_TEXTS, bare: true }).action(
    run(async (name: string, options: PoolOptions & GivenOptions) => {
      const { createRoom } = await import('./rooms.ts')
      return createRoom(io, name, options)
    }),
  )

  const list = poolVerb(rooms, 'list', 'rooms, all or those that fit')
  schemaOptions(list, ListRoomsQuery, { texts: LIST_ROOMS_TEXTS })
    .option('--limit <n>', 'so many at most; all when absent', atLeastOne)
    .action(
      run(async (options: PoolOptions & GivenOptions & { limit?: number }) => {
        const { listRooms } = await import('./rooms.ts')
        return listRooms(io, options)
      }),
    )

  poolVerb(rooms, 'show', 'a room with its members, managers and presenters')
    .argument('<room>', 'name or URI')
    .action(
      run(async (room: string, options: PoolOptions) => {
        const { showRoom } = await import('./rooms.ts')
        return showRoom(io, room, options)
      }),
    )

  const set = poolVerb(
    rooms,
    'set',
    'change what a room is, who is in it, and where it belongs: all that is named, or nothing',
  ).argument('<room>', 'name or URI')
  schemaOptions(set, ChangeRoomRequest, { texts: { dryRun: 'left out' } })
    .option('--dry-run', 'tell who would be dropped and change nothing', false)
    .action(
      run(async (room: string, options: PoolOptions & GivenOptions & { name?: string; dryRun: boolean }) => {
        const { setRoom } = await import('./rooms.ts')
        return setRoom(io, room, options)
      }),
    )

  const simple: readonly (readonly [string, 'disableRoom' | 'enableRoom', string])[] = [
    ['disable', 'disableRoom', 'put everybody out and let nobody in; nothing is removed'],
    ['enable', 'enableRoom', 'let members into a disabled room again'],
  ]
  for (const [name, route, description] of simple) {
    poolVerb(rooms, name, description)
      .argument('<room>', 'name or URI')
      .action(
        run(async (room: string, options: PoolOptions) => {
          const { switchRoom } = await import('./rooms.ts')
          return switchRoom(io, room, route, options)
        }),
      )
  }

  poolVerb(rooms, 'remove', 'delete a room for good')
    .argument('<room>', 'name or URI')
    .option('--yes', 'do not ask', false)
    .action(
      run(async (room: string, options: PoolOptions & { yes: boolean }) => {
        const { removeRoom } = await import('./rooms.ts')
        return removeRoom(io, room, options)
      }),
    )

  poolVerb(rooms, 'clear', 'remove everything posted up to a time; the compliance record keeps it')
    .argument('<room>', 'name or URI')
    .requiredOption('--through <date>', DATES.through, lastMoment)
    .option('--dry-run', 'count and change nothing', false)
    .option('--yes', 'do not ask', false)
    .action(
      run(async (room: string, options: PoolOptions & { through: number; dryRun: boolean; yes: boolean }) => {
        const { clearRoom } = await import('./rooms.ts')
        return clearRoom(io, room, options)
      }),
    )
}
