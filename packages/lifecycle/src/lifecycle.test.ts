import { ManualClock, systemClock } from '@hansard/clock'
import { describe, expect, it, vi } from 'vitest'
import { startLoop, stopOnce, yieldAfter } from './index.ts'

const until = { timeout: 60_000, interval: 1 }

describe('a loop', () => {
  it('runs repeatedly, with a pause in between', async () => {
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

  it('continues at once when there is more to do', async () => {
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

  it('runs now when woken, and once more when woken during a run', async () => {
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

  it('survives a run that throws, and reports it', async () => {
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

  it('stops after the current run, idempotently, and signals the run', async () => {
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
  it('stops them once, last first, and a second call waits for the same stop', async () => {
    const stopped: string[] = []
    const stack = new AsyncDisposableStack()
    let finish = () => {}
    stack.defer(() => void stopped.push('database'))
    stack.defer(async () => {
      await new Promise<void>((resolve) => {
        finish = resolve
      })
      stopped.push('service')
    })
    const stop = stopOnce(stack)

    const first = stop()
    const second = stop().then(() => stopped.push('said to be stopped'))
    finish()
    await Promise.all([first, second])
    await stop()

    expect(stopped).toEqual(['service', 'database', 'said to be stopped'])
  })

  it('stops the rest when some cannot be stopped, and reports every failure', async () => {
    const stopped: string[] = []
    const stack = new AsyncDisposableStack()
    stack.defer(() => void stopped.push('database'))
    stack.defer(() => {
      throw new Error('jammed')
    })
    stack.defer(() => void stopped.push('bus'))
    stack.defer(() => {
      throw new Error('stuck')
    })

    const failure = await stopOnce(stack)().catch((error: unknown) => error as SuppressedError)

    expect(stopped).toEqual(['bus', 'database'])
    expect(failure).toMatchObject({ error: { message: 'jammed' }, suppressed: { message: 'stuck' } })
  })
})

describe('work that yields', () => {
  it('does so after each portion of work, and others run in between', async () => {
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
