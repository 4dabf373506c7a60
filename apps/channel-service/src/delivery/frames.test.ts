import type { Socket } from 'node:net'
import { Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { createOutgoing, type LoopGauge, textFrame } from './frames.ts'

const tick = () => new Promise<void>((resolve) => setImmediate(resolve))

/** A machine that the test moves: time, idle time, how long a write takes, and what waits for a timer. */
function machine({ writeMs = 0 } = {}) {
  const state = { now: 0, idle: 0, timers: [] as { ms: number; run: () => void }[] }
  const loop: LoopGauge = {
    now: () => state.now,
    idle: () => state.idle,
    after: (ms, run) => void state.timers.push({ ms, run }),
  }
  /** A socket that notes each write with the frames it carries. */
  const socket = () => {
    const writes: string[][] = []
    const note = (chunks: Buffer[]) => {
      state.now += writeMs
      writes.push(chunks.map((chunk) => chunk.subarray(2).toString()))
    }
    const stream = new Writable({
      write: (chunk, _encoding, done) => {
        note([chunk])
        done()
      },
      writev: (chunks, done) => {
        note(chunks.map(({ chunk }) => chunk))
        done()
      },
    })
    return { writes, socket: stream as unknown as Socket }
  }
  return { state, loop, socket }
}

describe('copies of a chat', () => {
  it('leave at the end of the batch while the event loop has time, however long writing takes', async () => {
    const { state, loop, socket } = machine({ writeMs: 4 })
    const outgoing = createOutgoing(loop)
    const one = socket()

    for (const text of ['a', 'b', 'c']) {
      state.now += 5
      state.idle += 1
      outgoing.deliver(one.socket, textFrame(text))
      outgoing.flush()
    }

    expect(one.writes).toEqual([['a'], ['b'], ['c']])
    expect(state.timers).toEqual([])
    await tick()
  })

  it('are gathered while the event loop has been idle at no time since the last write, for ten milliseconds at most', () => {
    const { state, loop, socket } = machine({ writeMs: 40 })
    const outgoing = createOutgoing(loop)
    const one = socket()
    outgoing.deliver(one.socket, textFrame('a'))
    outgoing.flush()

    for (const text of ['b', 'c', 'd']) {
      outgoing.deliver(one.socket, textFrame(text))
      outgoing.flush()
    }

    expect(one.writes).toEqual([['a']])
    expect(state.timers.map(({ ms }) => ms)).toEqual([10])
    state.timers[0]!.run()
    expect(one.writes).toEqual([['a'], ['b', 'c', 'd']])
  })

  it('wait no longer than a few times what the last write took', () => {
    const { state, loop, socket } = machine({ writeMs: 1 })
    const outgoing = createOutgoing(loop)
    const one = socket()
    outgoing.deliver(one.socket, textFrame('a'))
    outgoing.flush()

    outgoing.deliver(one.socket, textFrame('b'))
    outgoing.flush()
    expect(state.timers.map(({ ms }) => ms)).toEqual([4])
    state.timers[0]!.run()
    state.now += 4

    outgoing.deliver(one.socket, textFrame('c'))
    outgoing.flush()
    expect(one.writes).toEqual([['a'], ['b'], ['c']])
  })

  it('take an answer along, and an answer takes them', () => {
    const { loop, socket } = machine({ writeMs: 40 })
    const outgoing = createOutgoing(loop)
    const one = socket()
    outgoing.deliver(one.socket, textFrame('a'))
    outgoing.flush()

    outgoing.deliver(one.socket, textFrame('b'))
    outgoing.answer(one.socket, textFrame('posted'))
    outgoing.flush()

    expect(one.writes).toEqual([['a'], ['b', 'posted']])
  })
})

describe('what is mentioned', () => {
  it('waits for the next thing written to the socket, in its order', () => {
    const { loop, socket } = machine()
    const outgoing = createOutgoing(loop)
    const [one, other] = [socket(), socket()]
    for (const { socket: each } of [one, other]) outgoing.mention(each, textFrame('bob is here'))
    outgoing.mention(one.socket, textFrame('carol is here'))
    outgoing.flush()
    expect(one.writes).toEqual([])

    outgoing.deliver(one.socket, textFrame('a'))
    outgoing.flush()

    expect(one.writes).toEqual([['bob is here', 'carol is here', 'a']])
    expect(other.writes).toEqual([])
  })

  it('leaves by itself in a moment', () => {
    const { state, loop, socket } = machine()
    const outgoing = createOutgoing(loop)
    const one = socket()
    outgoing.mention(one.socket, textFrame('bob is here'))
    outgoing.mention(one.socket, textFrame('carol is here'))

    expect(state.timers.map(({ ms }) => ms)).toEqual([200])
    state.timers[0]!.run()

    expect(one.writes).toEqual([['bob is here', 'carol is here']])
  })
})
