import type { Envelope } from '@hansard/compliance-event'
import { describe, expect, it, vi } from 'vitest'
import { openInlineTransport } from './index.ts'

const envelope: Envelope = { kind: 'events', source: 'channel-1', epoch: 1, events: [] }
const until = { timeout: 60_000, interval: 5 }

describe('the inline transport', () => {
  it('blocks the sender while it is full, and resumes it when there is room', async () => {
    const transport = openInlineTransport({ capacity: 2 })
    await transport.send([envelope, envelope])
    let sent = false
    const sending = transport.send([envelope]).then(() => {
      sent = true
    })
    await Promise.resolve()
    expect([sent, (await transport.depth()).waiting]).toEqual([false, 2])

    await transport.consume(async () => {}, { concurrency: 1 })

    await sending
    await vi.waitFor(async () => expect((await transport.depth()).waiting).toBe(0), until)
    await transport.close()
  })

  it('counts envelopes in flight and failed ones against its capacity', async () => {
    const transport = openInlineTransport({ capacity: 1 })
    let attempts = 0
    await transport.consume(async () => {
      attempts += 1
      throw new Error('the database is away')
    })
    await transport.send([envelope])
    await vi.waitFor(() => expect(attempts).toBe(1), until)

    const giveUp = new AbortController()
    const sending = transport.send([envelope], { signal: giveUp.signal })
    giveUp.abort()

    await expect(sending).rejects.toMatchObject({ name: 'QueueUnavailable' })
    await transport.close()
  })

  it('serves every waiting sender eventually, however many there are', async () => {
    const transport = openInlineTransport({ capacity: 1 })
    const handled: Envelope[] = []
    const sending = Promise.all(Array.from({ length: 40 }, () => transport.send([envelope, envelope])))

    await transport.consume(async (e) => void handled.push(e), { concurrency: 2 })

    await sending
    await vi.waitFor(() => expect(handled).toHaveLength(80), until)
    await transport.close()
  })

  it('rejects a waiting sender when it is closed', async () => {
    const transport = openInlineTransport({ capacity: 1 })
    await transport.send([envelope])
    const sending = transport.send([envelope])

    await transport.close()

    await expect(sending).rejects.toMatchObject({ name: 'QueueUnavailable' })
  })
})
