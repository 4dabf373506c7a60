export type { RoomChanges } from './change-room.ts'

export { createPoolCommands, type PoolCommands } from './commands.ts'

export { createFileCommands, type FileCommands, type Transfer } from './file-commands.ts'

export { DEFAULT_CATEGORY, poolActor } from './prepare-pool.ts'
export type { CommandRefusal, Result } from './result.ts'
export { severalRooms } from './room-names.ts'
