import { ManualClock, systemClock } from '@hansard/clock'
import { describe, expect, it, vi } from 'vitest'
import { StopStack, startLoop, yieldAfter } from './index.ts'

const until = { timeout: 60_000, interval: 1 }

describe('a loop', () => {
  it('runs its turn again and again, pausing in between', async () => {
    const clock = new ManualClock(0)
    let turns = 0
    const turn = async () => {
      turns += 1
    }
    const loop = startLoop({ clock, everyMs: 100, turn, onError: () => {} })
    await vi.waitFor(() => expect(turns).toBe(1), until)

    for (let expected = 2; expected <= 4; expected += 1) {
      await loop.idle()
      await vi.waitFor(() => {
        clock.advance({ ms: 100 })
        expect(turns).toBeGreaterThanOrEqual(expected)
      }, until)
    }

    await loop.stop()
  })

  it('goes on at once when there is more to do', async () => {
    let turns = 0
    const loop = startLoop({
      clock: new ManualClock(0),
      everyMs: 1_000_000,
      async turn() {
        turns += 1
        return turns < 5 ? 'again' : 'pause'
      },
      onError: () => {},
    })

    await vi.waitFor(() => expect(turns).toBe(5), until)
    await loop.stop()
  })

  it('runs now when woken, and once more when woken during a turn', async () => {
    let turns = 0
    let finish = () => {}
    const loop = startLoop({
      clock: new ManualClock(0),
      everyMs: 1_000_000,
      turn: () => {
        turns += 1
        return new Promise<void>((resolve) => {
          finish = resolve
        })
      },
      onError: () => {},
    })
    await vi.waitFor(() => expect(turns).toBe(1), until)

    loop.wake()
    loop.wake()
    expect(turns).toBe(1)
    finish()

    await vi.waitFor(() => expect(turns).toBe(2), until)
    finish()
    await loop.stop()
    expect(turns).toBe(2)
  })

  it('survives a turn that throws, and tells of it', async () => {
    const problems: unknown[] = []
    let turns = 0
    const loop = startLoop({
      clock: systemClock,
      everyMs: 1,
      async turn() {
        turns += 1
        if (turns === 1) throw new Error('the database is away')
      },
      onError: (error) => problems.push(error),
    })

    await vi.waitFor(() => expect(turns).toBeGreaterThan(1), until)
    await loop.stop()
    expect(problems).toEqual([new Error('the database is away')])
  })

  it('stops after the turn under way, twice if asked to, and tells the turn', async () => {
    let told = false
    let finish = () => {}
    const loop = startLoop({
      clock: systemClock,
      everyMs: 1,
      turn: (signal) => {
        signal.addEventListener('abort', () => {
          told = true
        })
        return new Promise<void>((resolve) => {
          finish = resolve
        })
      },
      onError: () => {},
    })
    let stopped = false

    const stopping = loop.stop().then(() => {
      stopped = true
    })
    await Promise.resolve()
    expect([told, stopped]).toEqual([true, false])
    finish()
    await stopping
    await loop.stop()
  })
})

describe('a stack of things to stop', () => {
  it('stops them once, last first', async () => {
    const stopped: string[] = []
    const stack = new StopStack()
    stack.push(() => void stopped.push('database'))
    stack.push(async () => void stopped.push('service'))

    await Promise.all([stack.stop(), stack.stop()])
    await stack.stop()

    expect(stopped).toEqual(['service', 'database'])
  })

  it('stops the rest when one cannot be stopped, and says so', async () => {
    const stopped: string[] = []
    const stack = new StopStack()
    stack.push(() => void stopped.push('database'))
    stack.push(() => {
      throw new Error('stuck')
    })

    await expect(stack.stop()).rejects.toThrow('stuck')
    expect(stopped).toEqual(['database'])
  })
})

describe('work that gives way', () => {
  it('does so each time so much of it was done, and others have their turn', async () => {
    const yieldToEventLoop = yieldAfter(10)
    const log: string[] = []
    setImmediate(() => log.push('others'))

    for (const done of [4, 5, 3, 9, 20, 1]) {
      const turn = yieldToEventLoop(done)
      log.push(turn ? 'given' : 'kept')
      await turn
    }

    expect(log).toEqual(['kept', 'kept', 'given', 'others', 'kept', 'given', 'kept'])
  })
})
