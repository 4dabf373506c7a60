import { type Bus, type BusMessage, openRedisBus, type RoomMessage } from '@hansard/bus'
import { silentLog } from '@hansard/log'
import { type SharedRedis, shareRedis } from '@hansard/test-servers'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { createDelivery } from './deliver.ts'

const hub = { id: 7, deliver() {} }
const until = { timeout: 60_000, interval: 5 }

let redis: SharedRedis
let pools = 0
let bus: Bus
let other: Bus
/** what this service hears of the room, as chat ids by message */
let heard: number[][]
/** how many services heard each message */
let counts: number[]
let commit: (...ids: number[]) => void
beforeAll(async () => {
  redis = await shareRedis()
})
afterAll(() => redis.stop())
beforeEach(async () => {
  const pool = `${redis.pool}-deliver-${++pools}`
  bus = openRedisBus({ redisUrl: redis.url, log: silentLog, pool })
  other = openRedisBus({ redisUrl: redis.url, log: silentLog, pool })
  heard = []
  counts = []
  await bus.subscribeRoom(7, (message) => void heard.push(idsOf(message)))
  const counting: Pick<Bus, 'publish'> = {
    publish: (message, heardBy) =>
      bus.publish(message, (services) => {
        heardBy?.(services)
        counts.push(services)
      }),
  }
  const delivery = createDelivery({ bus: counting, service: 'channel-1/1', outgoing: { flush() {} } })
  commit = (...ids) => {
    for (const id of ids) delivery.chat(hub, { id, frame: `#${id}`, rights: 1 })
    delivery.endOfBatch()
  }
})
afterEach(async () => {
  await bus.close()
  await other.close()
})
const idsOf = (message: BusMessage) => (message.t === 'chats' ? message.chats.map((chat) => chat.id) : [])
const hears = async (...messages: number[][]) => {
  await vi.waitFor(() => expect(heard).toEqual(messages), until)
  // The service knows who heard them.
  await vi.waitFor(() => expect(counts).toHaveLength(messages.length), until)
}

it('publishes each batch at once while another service listens to the room', async () => {
  await other.subscribeRoom(7, () => {})
  commit(1)
  await hears([1])

  commit(2)
  commit(3)

  await hears([1], [2], [3])
})

it('gathers the batches of a room that no other service listens to, and loses none', async () => {
  commit(1)
  await hears([1])

  commit(2, 3)
  commit(4)

  await hears([1], [2, 3, 4])
})

it('publishes at once again when a service has begun to listen, which hears everything since', async () => {
  commit(1)
  await hears([1])
  const there: RoomMessage[] = []
  await other.subscribeRoom(7, (message) => void there.push(message))

  commit(2)
  await hears([1], [2])
  await vi.waitFor(() => expect(there.map(idsOf)).toEqual([[2]]), until)
  commit(3)
  await hears([1], [2], [3])
  commit(4)
  commit(5)

  await hears([1], [2], [3], [4], [5])
  await vi.waitFor(() => expect(there.map(idsOf)).toEqual([[2], [3], [4], [5]]), until)
})

it('bounds what it gathers', async () => {
  commit(1)
  await hears([1])

  for (let id = 2; id <= 80; id += 1) commit(id)

  await vi.waitFor(() => expect(heard.flat()).toHaveLength(80), until)
  expect(heard[1]).toHaveLength(64)
})
