import { expect, it, vi } from 'vitest'
import { createPresenceReports } from './presence.ts'

const alice = { uri: 'sip:alice@example.com', name: 'Alice' }
const bob = { uri: 'sip:bob@example.com', name: 'Bob' }

it('joins and parts in one room share a message to the other services, in their order', async () => {
  const publish = vi.fn()
  const reports = createPresenceReports({ bus: { publish }, from: 'channel-1/7' })

  reports.report(1, { joined: true, who: alice, rights: 3 })
  reports.report(2, { joined: true, who: bob, rights: 1 })
  reports.report(1, { joined: true, who: bob, rights: 4 })
  reports.report(1, { joined: false, who: alice, rights: 4 })

  await vi.waitFor(() => expect(publish).toHaveBeenCalled(), { timeout: 10_000 })
  expect(publish.mock.calls.map(([message]) => message)).toEqual([
    {
      t: 'presences',
      room: 1,
      from: 'channel-1/7',
      rights: 4,
      people: [
        { joined: true, ...alice },
        { joined: true, ...bob },
        { joined: false, ...alice },
      ],
    },
    { t: 'presences', room: 2, from: 'channel-1/7', rights: 1, people: [{ joined: true, ...bob }] },
  ])
})

it('a service that stops sends what waits', () => {
  const publish = vi.fn()
  const reports = createPresenceReports({ bus: { publish }, from: 'channel-1/7' })
  reports.report(1, { joined: false, who: alice, rights: 3 })

  reports.stop()

  expect(publish).toHaveBeenCalledTimes(1)
  reports.stop()
  expect(publish).toHaveBeenCalledTimes(1)
})
