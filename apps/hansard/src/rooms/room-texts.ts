import type { CreateRoomRequest, ListRoomsQuery } from '@hansard/admin-contract'
import type { Texts } from '../cli/schema-options.ts'

/** What the options of rooms say beyond the contract. */
export const CREATE_ROOM_TEXTS = { name: 'left out', category: 'left out' } satisfies Texts<typeof CreateRoomRequest>

export const LIST_ROOMS_TEXTS = {
  // How many are shown is for all pages together.
  limit: 'left out',
  after: 'left out',
  name: { option: 'filter', takes: '<wildcard>' },
  searchDescription: { takes: '' },
  member: { takes: '<principal>' },
  manager: { takes: '<principal>' },
  joined: { takes: '<account>' },
  chatContentExceedsMb: { takes: '<MB>' },
} satisfies Texts<typeof ListRoomsQuery>
