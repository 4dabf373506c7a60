import type { Log } from '@hansard/log'

/** Who listens to which channel. Keeps a handler's failure from the other handlers and from the connection. */
type Subscriptions<Message> = {
  /** Answers the way to take the handler out again, which says whether it was the channel's last. */
  add(channel: string, handler: (message: Message) => void): () => 'last' | 'others' | 'already'
  deliver(channel: string, message: Message): void
  channels(): string[]
  clear(): void
}

export function createSubscriptions<Message>(log: Log): Subscriptions<Message> {
  const handlers = new Map<string, Set<{ handler: (message: Message) => void }>>()
  return {
    add(channel, handler) {
      const entry = { handler }
      const known = handlers.get(channel)
      if (known) known.add(entry)
      else handlers.set(channel, new Set([entry]))
      return () => {
        const others = handlers.get(channel)
        if (!others?.delete(entry)) return 'already'
        if (others.size > 0) return 'others'
        handlers.delete(channel)
        return 'last'
      }
    },
    deliver(channel, message) {
      for (const { handler } of [...(handlers.get(channel) ?? [])]) {
        try {
          handler(message)
        } catch (error) {
          log.error({ err: error, channel }, 'a handler of a bus message failed')
        }
      }
    },
    channels: () => [...handlers.keys()],
    clear: () => handlers.clear(),
  }
}
