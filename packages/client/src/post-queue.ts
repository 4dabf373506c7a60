/** A chat on its way: waiting to be sent, or sent and not yet acknowledged. */
export type Post<R> = {
  /** 1, 2, 3 … in the order the program posted */
  readonly n: number
  readonly room: R
  readonly name: string
  readonly text: string
  readonly alert?: true
  readonly title?: string
  /** true once it has been sent: the next time it is sent, it is sent again */
  again: boolean
  readonly resolve: (posted: { chat: number; at: number }) => void
  readonly reject: (error: Error) => void
}

/**
 * What has been posted and not been acknowledged.
 *
 * A post leaves this queue in two ways only: acknowledged, or handed back to the program as failed. A lost
 * connection returns what was under way to the front, so that a room's posts go out in the order they were
 * made. Both parts are bounded: `inFlightMax` by what the server allows, `waitingMax` by memory.
 */
export type PostQueue<R> = {
  /** false when the queue is full; the post was not taken */
  add(post: Post<R>): boolean
  /** The next post to send of any room that may send now, then under way as request `id`. */
  take(id: number, maySend: (room: R) => boolean): Post<R> | undefined
  /** Ends a post that is under way. */
  settle(id: number): Post<R> | undefined
  /** Returns a post that is under way to its place among the waiting. */
  putBack(id: number): Post<R> | undefined
  /** Returns everything under way: the connection is gone. */
  putAllBack(): void
  /** Removes all posts of a room, or of all rooms. */
  remove(room?: R): Post<R>[]
  has(room: R): boolean
  inFlightMax: number
}

export function createPostQueue<R>(options: { inFlightMax: number; waitingMax: number }): PostQueue<R> {
  const waiting = new Map<R, Post<R>[]>()
  const inFlight = new Map<number, Post<R>>()
  let waitingCount = 0

  const wait = (post: Post<R>) => {
    const posts = waiting.get(post.room)
    waitingCount += 1
    if (!posts) {
      waiting.set(post.room, [post])
      return
    }
    let index = posts.length
    while (index > 0 && posts[index - 1]!.n > post.n) index -= 1
    posts.splice(index, 0, post)
  }

  const queue: PostQueue<R> = {
    inFlightMax: options.inFlightMax,

    add(post) {
      if (waitingCount >= options.waitingMax) return false
      wait(post)
      return true
    },

    take(id, maySend) {
      if (inFlight.size >= queue.inFlightMax) return undefined
      for (const [room, posts] of waiting) {
        if (!maySend(room)) continue
        const post = posts.shift()!
        waitingCount -= 1
        if (posts.length === 0) waiting.delete(room)
        inFlight.set(id, post)
        return post
      }
      return undefined
    },

    settle(id) {
      const post = inFlight.get(id)
      inFlight.delete(id)
      return post
    },

    putBack(id) {
      const post = queue.settle(id)
      if (post) wait(post)
      return post
    },

    putAllBack() {
      for (const id of [...inFlight.keys()]) queue.putBack(id)
    },

    remove(room) {
      const removed: Post<R>[] = []
      for (const [key, posts] of waiting) {
        if (room !== undefined && key !== room) continue
        removed.push(...posts)
        waiting.delete(key)
        waitingCount -= posts.length
      }
      for (const [id, post] of inFlight) {
        if (room !== undefined && post.room !== room) continue
        removed.push(post)
        inFlight.delete(id)
      }
      return removed.sort((a, b) => a.n - b.n)
    },

    has(room) {
      if (waiting.has(room)) return true
      for (const post of inFlight.values()) if (post.room === room) return true
      return false
    },
  }
  return queue
}
