import { ROOM_INVITATIONS, ROOM_PRIVACIES, ROOM_TYPES } from '@hansard/rooms'
import type { Command } from 'commander'
import {
  between,
  choice,
  DATES,
  lastMoment,
  listOptions,
  onOff,
  type PoolOptions,
  poolVerb,
  several,
  type Verbs,
  whole,
} from '../cli/verb.ts'
import type { AddRoomsOptions, CreateRoomOptions, ListRoomsOptions, SetRoomOptions } from './rooms.ts'

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

  const create = properties(
    poolVerb(rooms, 'create', 'create a room with all its properties; closed unless it says otherwise')
      .argument('<name>')
      .requiredOption('--category <name>')
      .option('--disabled', 'nobody may join yet', false),
  )
  for (const role of ['member', 'manager', 'presenter']) several(create, `--${role} <principal>`, `a ${role}`)
  create.action(
    run(async (name: string, options: CreateRoomOptions) => {
      const { createRoom } = await import('./rooms.ts')
      return createRoom(io, name, options)
    }),
  )

  poolVerb(rooms, 'list', 'rooms, all or those that fit')
    .option('--filter <wildcard>', 'the name; * stands for anything')
    .option('--in-description', '--filter may fit the description instead', false)
    .option('--category <name>')
    .option('--member <principal>', 'rooms whose members name this principal')
    .option('--manager <principal>', 'rooms whose managers name this principal')
    .option('--joined <account>', 'rooms this person is in now, among those you may join')
    .addOption(choice('--privacy <privacy>', 'only these', ROOM_PRIVACIES))
    .addOption(choice('--type <type>', 'only these', ROOM_TYPES))
    .addOption(choice('--invitations <invitations>', 'only these', ROOM_INVITATIONS))
    .option('--add-in <name>', 'only rooms with this add-in')
    .addOption(onOff('--disabled <on|off>', 'only disabled rooms, or only others'))
    .option('--content-exceeds <MB>', 'only rooms with more text than this', whole)
    .option('--limit <n>', 'so many at most; all when absent', whole)
    .action(
      run(async (options: ListRoomsOptions) => {
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

  const set = properties(
    poolVerb(rooms, 'set', 'change what a room is, who is in it, and where it belongs: all that is named, or nothing')
      .argument('<room>', 'name or URI')
      .option('--name <name>', 'call it so')
      .option('--category <name>', 'move it there; whom that category does not allow is dropped and named')
      .option('--no-add-in', 'show no add-in')
      .option('--dry-run', 'tell who would be dropped and change nothing', false),
  )
  for (const role of ['member', 'manager', 'presenter']) listOptions(set, role, `${role}s`)
  set.action(
    run(async (room: string, options: SetRoomOptions) => {
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

  poolVerb(program.command('principals').description('users, groups and domains'), 'eligible', 'whom lists may name')
    .option('--category <name>', 'the lists of rooms of this category')
    .option('--room <room>', 'the lists of this room')
    .option('--presenters', 'whom the auditorium may make presenters', false)
    .option('--filter <wildcard>', 'the URI or the name')
    .option('--limit <n>', 'so many at most', between(0, 10_000), 1_000)
    .action(
      run(
        async (
          options: PoolOptions & {
            category?: string
            room?: string
            presenters: boolean
            filter?: string
            limit: number
          },
        ) => {
          const { listEligible } = await import('../principals/eligible.ts')
          return listEligible(io, options)
        },
      ),
    )
}

function properties(command: Command): Command {
  return command
    .option('--description <text>')
    .option('--topic <text>')
    .addOption(choice('--privacy <privacy>', 'who finds and joins it', ROOM_PRIVACIES))
    .addOption(choice('--type <type>', 'in an auditorium only presenters post', ROOM_TYPES))
    .addOption(choice('--invitations <invitations>', 'as the category says, or off', ROOM_INVITATIONS))
    .option('--add-in <name>', 'a registered add-in')
}
