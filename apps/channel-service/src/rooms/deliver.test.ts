import { type Bus, type BusMessage, openRedisBus, type RoomMessage } from '@hansard/bus'
import { silentLog } from '@hansard/log'
import { type SharedRedis, shareRedis } from '@hansard/test-servers'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { createDelivery, type Delivery } from './deliver.ts'

const hub = { id: 7, deliver() {} }
const until = { timeout: 60_000, interval: 5 }

let redis: SharedRedis
let pools = 0
let bus: Bus
let other: Bus
/** what this service hears of the room, as chat ids by message */
let heard: number[][]
/** of each message, whether others may hear it */
let answers: boolean[]
/** holds the answers back */
let unanswered: (() => void)[] | undefined
let delivery: Delivery
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
  answers = []
  unanswered = undefined
  await bus.subscribeRoom(7, (message) => void heard.push(idsOf(message)))
  const answering: Pick<Bus, 'publish'> = {
    publish: (message, heard) =>
      bus.publish(message, (byOthers) => {
        const answer = () => {
          heard?.(byOthers)
          answers.push(byOthers)
        }
        if (unanswered) unanswered.push(answer)
        else answer()
      }),
  }
  delivery = createDelivery({ bus: answering, service: 'channel-1/1', outgoing: { flush() {} } })
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
  await vi.waitFor(() => expect(answers).toHaveLength(messages.length), until)
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

it('keeps the order of chats when the answer that others listen comes late', async () => {
  commit(1)
  await hears([1])
  await other.subscribeRoom(7, () => {})
  unanswered = []

  commit(2)
  await vi.waitFor(() => expect(unanswered).toHaveLength(1), until)
  commit(3)
  for (const answer of unanswered.splice(0)) answer()
  unanswered = undefined
  commit(4)

  await vi.waitFor(() => expect(heard.flat()).toEqual([1, 2, 3, 4]), until)
})

it('publishes what it has gathered when it stops', async () => {
  commit(1)
  await hears([1])
  commit(2)

  delivery.stop()

  bus.publish({ t: 'chats', room: 7, from: 'channel-1/1', rights: 1, chats: [] })
  await vi.waitFor(() => expect(heard).toEqual([[1], [2], []]), until)
})

it('bounds what it gathers', async () => {
  commit(1)
  await hears([1])

  for (let id = 2; id <= 80; id += 1) commit(id)

  await vi.waitFor(() => expect(heard.flat()).toHaveLength(80), until)
  expect(heard[1]).toHaveLength(64)
})
