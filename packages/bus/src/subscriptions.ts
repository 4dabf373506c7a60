import type { Log } from '@hansard/log'

/** The subscribers of each channel. A failing handler affects neither other handlers nor the connection. */
type Subscriptions<Message> = {
  /** Returns a function that removes the handler and says whether it was the channel's last. */
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
          log.error({ err: error, channel }, 'a bus message handler failed')
        }
      }
    },
    channels: () => [...handlers.keys()],
    clear: () => handlers.clear(),
  }
}
