import { expect, it } from 'vitest'
import { connect } from './connect.ts'
import { RefusedError, UnreachableError, UnsafeAddressError } from './errors.ts'
import type { OpenSocket } from './socket.ts'
import type { Timing } from './timing.ts'

const LIMITS = {}
const signedIn = {
  t: 'signed-in',
  re: 0,
  session: 's',
  principal: { id: 1, uri: 'sip:alice@example.com', name: 'Alice' },
  limits: LIMITS,
}

/** A network that answers as a test says, and timers that fire when they are due next. */
function network(answers: {
  fetch: (url: string, body: unknown) => Response | Error
  alive: (endpoint: string) => boolean
}) {
  const asked: { url: string; body: Record<string, unknown> | undefined; redirect: string | undefined }[] = []
  const opened: string[] = []
  const fetcher = (async (url: string, init: RequestInit = {}) => {
    const body = init.body === undefined ? undefined : JSON.parse(String(init.body))
    asked.push({ url, body, redirect: init.redirect })
    const answer = answers.fetch(url, body)
    if (answer instanceof Error) throw answer
    return answer
  }) as typeof fetch
  const openSocket: OpenSocket = (url, events) => {
    opened.push(url)
    queueMicrotask(() => (answers.alive(url) ? events.open() : events.closed('ECONNREFUSED')))
    return {
      send: () => queueMicrotask(() => events.message(JSON.stringify(signedIn))),
      close: () => events.closed('closed'),
      drop: () => events.closed('dropped'),
    }
  }
  const timers: { at: number; callback: () => void }[] = []
  let now = 0
  const timing: Timing = {
    random: () => 0.5,
    after(ms, callback) {
      const timer = { at: now + ms, callback }
      timers.push(timer)
      return { cancel: () => void (timers.includes(timer) && timers.splice(timers.indexOf(timer), 1)) }
    },
  }
  /** Lets time pass until a promise has settled. */
  const settle = async <T>(promise: Promise<T>): Promise<T> => {
    let settled = false
    const done = promise.finally(() => {
      settled = true
    })
    done.catch(() => {})
    for (let turn = 0; turn < 1_000 && !settled; turn += 1) {
      await new Promise((resolve) => setImmediate(resolve))
      if (settled) break
      const next = timers.sort((a, b) => a.at - b.at).shift()
      if (!next) continue
      now = next.at
      next.callback()
    }
    return done
  }
  return {
    asked,
    opened,
    settle,
    options: { fetch: fetcher, openSocket, timing, account: 'alice', password: 'secret' },
  }
}

const json = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify(body), { status, headers })
const directory = (more: object = {}) =>
  json(200, { pool: 'p', lookup: 'https://one.example.com', version: '1', ...more })
const granted = (endpoint: string) => json(200, { token: 't', endpoint, principal: signedIn.principal, expiresAt: 1 })
const gone = new TypeError('fetch failed', { cause: { code: 'ECONNREFUSED' } })

it('connects at the next attempt when the assigned service has just died, and reports which one', async () => {
  const dead = 'wss://a.example.com/channel'
  const net = network({
    fetch: (url, body) =>
      url.endsWith('/directory')
        ? directory()
        : granted((body as { avoid?: string }).avoid === dead ? 'wss://b.example.com/channel' : dead),
    alive: (endpoint) => endpoint !== dead,
  })

  const client = await net.settle(connect({ server: 'https://one.example.com', ...net.options }))

  expect(client.state).toBe('connected')
  expect(net.opened).toEqual([dead, 'wss://b.example.com/channel'])
  expect(net.asked.at(-1)?.body).toEqual({ account: 'alice', password: 'secret', avoid: dead })
})

it('gives up the first connection after its time limit, with the reason', async () => {
  const net = network({
    fetch: (url) => (url.endsWith('/directory') ? directory() : granted('wss://a.example.com/channel')),
    alive: () => false,
  })
  const failed = net.settle(connect({ server: 'https://one.example.com', ...net.options }))
  await expect(failed).rejects.toThrow('wss://a.example.com/channel cannot be reached: ECONNREFUSED')
  expect(net.opened.length).toBeGreaterThan(2)
})

it('waits for a pool that reports that its services are starting', async () => {
  let times = 0
  const net = network({
    fetch(url) {
      if (url.endsWith('/directory')) return directory()
      times += 1
      if (times < 3) return json(503, { error: 'try-again', message: 'Not just now.' }, { 'retry-after': '1' })
      return granted('wss://a.example.com/channel')
    },
    alive: () => true,
  })
  await net.settle(connect({ server: 'https://one.example.com', ...net.options }))
  expect(times).toBe(3)
})

it('fails at once when nothing answers, or the password is wrong', async () => {
  const silent = network({ fetch: () => gone, alive: () => true })
  const nobody = silent.settle(connect({ server: 'https://one.example.com', ...silent.options }))
  await expect(nobody).rejects.toBeInstanceOf(UnreachableError)
  expect(silent.asked).toHaveLength(1)

  const strict = network({
    fetch: (url) => (url.endsWith('/directory') ? directory() : json(401, { message: 'Wrong.' })),
    alive: () => true,
  })
  const wrong = strict.settle(connect({ server: 'https://one.example.com', ...strict.options }))
  await expect(wrong).rejects.toBeInstanceOf(RefusedError)
  expect(strict.asked).toHaveLength(2)
})

it('tries every address of the pool, and every lookup service in the directory', async () => {
  const net = network({
    fetch(url) {
      if (url === 'https://two.example.com/directory')
        return directory({ lookups: ['https://one.example.com', 'http://127.0.0.1:7464', 'https://three.example.com'] })
      return url === 'https://three.example.com/sign-in' ? granted('wss://a.example.com/channel') : gone
    },
    alive: () => true,
  })

  await net.settle(connect({ server: ['https://one.example.com', 'https://two.example.com'], ...net.options }))

  expect(net.asked.map(({ url }) => url)).toEqual([
    'https://one.example.com/directory',
    'https://two.example.com/directory',
    'https://one.example.com/sign-in',
    'https://three.example.com/sign-in',
  ])
})

it.each([
  ['a lookup service on its own machine', directory({ lookup: 'http://127.0.0.1:7464' }), granted('wss://a')],
  ['a channel service without TLS', directory(), granted('ws://one.example.com/channel')],
  ['a channel service on its own machine', directory(), granted('wss://127.0.0.1:7465/channel')],
])('does not follow a pool to %s', async (_, first, second) => {
  const net = network({ fetch: (url) => (url.endsWith('/directory') ? first : second), alive: () => true })

  const refused = net.settle(connect({ server: 'https://one.example.com', ...net.options }))

  await expect(refused).rejects.toBeInstanceOf(UnsafeAddressError)
  expect(net.opened).toEqual([])
  expect(net.asked.map(({ url }) => url).filter((url) => !url.startsWith('https://one.'))).toEqual([])
})

it('follows no redirect: it would send the password along', async () => {
  const net = network({
    fetch: (url) => (url.endsWith('/directory') ? directory() : granted('wss://a.example.com/channel')),
    alive: () => true,
  })
  await net.settle(connect({ server: 'https://one.example.com', ...net.options }))
  expect(net.asked.map(({ redirect }) => redirect)).toEqual(['error', 'error'])
})
