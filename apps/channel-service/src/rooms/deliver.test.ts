import { type BusMessage, openInlineBus, type RoomMessage } from '@hansard/bus'
import { expect, it, vi } from 'vitest'
import { createDelivery } from './deliver.ts'

const hub = { id: 7, deliver() {} }
const until = { timeout: 10_000, interval: 5 }
const idsOf = (messages: readonly BusMessage[]) =>
  messages.map((message) => (message.t === 'chats' ? message.chats.map((chat) => chat.id) : []))

async function openDelivery() {
  const bus = openInlineBus()
  const here: RoomMessage[] = []
  const leave = await bus.subscribeRoom(7, (message) => void here.push(message))
  const delivery = createDelivery({ bus, service: 'channel-1/1', outgoing: { flush() {} } })
  const commit = (...ids: number[]) => {
    for (const id of ids) delivery.chat(hub, { id, frame: `#${id}`, rights: 1 })
    delivery.endOfBatch()
  }
  return { bus, commit, here, leave }
}

it('publishes each batch at once while another service listens to the room', async () => {
  const { bus, commit, here } = await openDelivery()
  await bus.subscribeRoom(7, () => {})

  for (const id of [1, 2, 3]) {
    commit(id)
    await Promise.resolve()
  }

  expect(idsOf(here)).toEqual([[1], [2], [3]])
})

it('gathers the batches of a room that no other service listens to, and loses none', async () => {
  const { commit, here } = await openDelivery()
  commit(1)
  await vi.waitFor(() => expect(here).toHaveLength(1), until)

  commit(2, 3)
  commit(4)

  await vi.waitFor(() => expect(here).toHaveLength(2), until)
  expect(idsOf(here)).toEqual([[1], [2, 3, 4]])
})

it('publishes at once again when a service has begun to listen', async () => {
  const { bus, commit, here } = await openDelivery()
  commit(1)
  await vi.waitFor(() => expect(here).toHaveLength(1), until)
  const there: RoomMessage[] = []
  await bus.subscribeRoom(7, (message) => void there.push(message))

  commit(2)
  await vi.waitFor(() => expect(idsOf(there)).toEqual([[2]]), until)
  commit(3)
  await Promise.resolve()

  expect(idsOf(there)).toEqual([[2], [3]])
})

it('bounds what it gathers', async () => {
  const { commit, here } = await openDelivery()
  commit(1)
  await vi.waitFor(() => expect(here).toHaveLength(1), until)

  for (let id = 2; id <= 66; id += 1) commit(id)
  await Promise.resolve()

  expect(here).toHaveLength(2)
})
