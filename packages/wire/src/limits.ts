/** Limits a server announces when a session signs in. Sizes are bytes of UTF-8, counts are whole numbers. */
export type Limits = {
  /** longest chat */
  readonly chatBytesMax: number
  /** longest body of a story; its title is as long as a room's name at most: 256 characters */
  readonly storyBytesMax: number
  /** chats in one history page at most */
  readonly historyPageMax: number
  /** chats in a history page when the client does not say */
  readonly historyPageDefault: number
  /** posts a session may have under way; the next is refused with `too-fast` */
  readonly postsInFlightMax: number
  /** rooms one session may be in */
  readonly roomsPerSessionMax: number
  /** above so many participants a room sends no join and part notices (the original's ParticipantUpdateLimit) */
  readonly participantUpdateLimit: number
  /** results of one search at most */
  readonly searchLimit: number
  /** largest file, bytes */
  readonly fileBytesMax: number
}

export const DEFAULT_LIMITS: Limits = {
  chatBytesMax: 4_096,
  storyBytesMax: 65_536,
  historyPageMax: 500,
  historyPageDefault: 30,
  postsInFlightMax: 256,
  roomsPerSessionMax: 1_000,
  participantUpdateLimit: 75,
  searchLimit: 999,
  fileBytesMax: 20_000 * 1_024,
}

/** Longest frame a server reads. A longer one ends the connection with WebSocket code 1009. */
export const FRAME_BYTES_MAX = 512 * 1_024
