import { textFrame } from '../delivery/frames.ts'
import type { Recipient } from './membership.ts'

/** The room, as far as notices depend on it. */
type Room = {
  readonly members: ReadonlyMap<Recipient, unknown>
  /** the rights version under which the members were last checked */
  readonly rights: number
  reach(rights: number): Promise<void>
  confirmRights(): Promise<void>
}

/**
 * Writes notices (not chats) to every member of one room, in order.
 *
 * A notice waits until the members have been checked under the rights it was created with, so that a member that must
 * be removed does not see who joins later. A notice that waits while the database is down is dropped.
 */
export class Notices {
  readonly #room: Room
  readonly #confirmedAlive: () => boolean
  /** waiting notices, and the last of them */
  #waiting = 0
  #last: Promise<unknown> = Promise.resolve()

  constructor(room: Room, confirmedAlive: () => boolean) {
    this.#room = room
    this.#confirmedAlive = confirmedAlive
  }

  notify(text: string, rights: number): void {
    const frame = textFrame(text)
    if (this.#waiting === 0 && rights <= this.#room.rights && this.#confirmedAlive()) return this.#write(frame)
    if (this.#waiting === WAITING_MAX) return
    this.#waiting += 1
    this.#last = this.#last
      .then(() => this.#judgedBy(rights))
      .then(
        () => this.#write(frame),
        () => {},
      )
      .finally(() => {
        this.#waiting -= 1
      })
  }

  async #judgedBy(rights: number): Promise<void> {
    if (!this.#confirmedAlive()) await this.#room.confirmRights()
    await this.#room.reach(rights)
  }

  #write(frame: Buffer): void {
    for (const session of this.#room.members.keys()) session.mention(frame)
  }
}

const WAITING_MAX = 1_000
