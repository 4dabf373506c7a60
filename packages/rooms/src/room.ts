/** `open`: anyone in the pool may join. `closed`: only its members may. */
export type RoomPrivacy = 'open' | 'closed'

/** What the rules need to know of a room. */
export type Room = { readonly privacy: RoomPrivacy; readonly disabled: boolean }
