import { openAdmin } from '../cli/admin-client.ts'
import { answer, type ExitCode, type Io } from '../cli/io.ts'
import { counted, table, utc } from '../cli/table.ts'
import { type PoolOptions, said } from '../cli/verb.ts'

export type UsageReportOptions = PoolOptions & {
  readonly start?: number
  readonly end?: number
  readonly topUsers: number
  readonly topRooms: number
  readonly leastActiveRooms: number
  readonly inactiveSince?: number
}

/** Who used the pool, and which rooms were used. */
export async function usageReport(io: Io, options: UsageReportOptions): Promise<ExitCode> {
  const { start, end, topUsers, topRooms, leastActiveRooms, inactiveSince } = options
  const admin = await openAdmin(io, options)
  const query = said({ start, end, topUsers, topRooms, leastActiveRooms, roomsInactiveSince: inactiveSince })
  const report = await admin.ask('usageReport', { query })
  const rooms = (title: string, entries: typeof report.topRooms) =>
    entries.length === 0
      ? ''
      : `\n${title}\n${table(
          ['ROOM', 'CATEGORY', 'CHATS', 'PEOPLE'],
          entries.map((room) => [
            room.deleted ? `${room.name} (deleted)` : room.name,
            room.category,
            room.chats,
            room.authors,
          ]),
        )}`
  answer(io, options.json, report, () =>
    [
      `From ${utc(report.start)} until before ${utc(report.end)}: ${counted(report.chats, 'chat')} by `,
      `${counted(report.users, 'account')} in ${counted(report.rooms, 'room')}\n`,
      report.topUsers.length === 0
        ? ''
        : `\nMost active accounts\n${table(
            ['ACCOUNT', 'NAME', 'CHATS', 'ROOMS'],
            report.topUsers.map((user) => [user.uri, user.name, user.chats, user.rooms]),
          )}`,
      rooms('Most active rooms', report.topRooms),
      rooms('Least active rooms', report.leastActiveRooms),
      report.roomsInactiveSince === null
        ? ''
        : `\nRooms without a chat since ${utc(report.roomsInactiveSince.since)}\n${table(
            ['ROOM', 'CATEGORY', 'LAST CHAT'],
            report.roomsInactiveSince.rooms.map((room) => [
              room.name,
              room.category,
              room.lastChatAt === null ? 'never' : utc(room.lastChatAt),
            ]),
          )}${report.roomsInactiveSince.more ? 'and more\n' : ''}`,
    ].join(''),
  )
  return 0
}
