import { execFileSync } from 'node:child_process'
import { constants, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startTimeStampAuthority, type TimeStampAuthority } from '@hansard/test-servers'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type AnchorSetting, anchorName, anchorProblem } from './anchor-settings.ts'
import { type Bench, MINUTE, openBench, statusOf, story, T0 } from './worker-in-test.ts'

const FIRST = 'pool-20261120T231500Z_20261120T231600Z'
const SECOND = 'pool-20261120T231600Z_20261120T231700Z'
const THIRD = 'pool-20261120T231700Z_20261120T231800Z'

let authority: TimeStampAuthority
let bench: Bench
let output: string
let anchor: string
beforeAll(async () => {
  authority = await startTimeStampAuthority()
})
afterAll(() => authority[Symbol.asyncDispose]())
beforeEach(async () => {
  bench = await openBench()
  output = join(bench.directory, 'exports')
  anchor = join(bench.directory, 'anchor')
  await mkdir(anchor)
})
afterEach(async () => {
  authority.answerWith(undefined)
  await bench[Symbol.asyncDispose]()
})

const worker = (anchors: readonly AnchorSetting[], name = 'w1') =>
  bench.worker({ name, anchors, directory: output, signingKey: { file: join(bench.directory, 'signing-keys.json') } })
const pool = (name: string) => readFile(join(output, 'pool', name))
const anchored = async () => (await readdir(anchor)).sort()
const toDirectory = (): AnchorSetting => ({ kind: 'directory', path: anchor })
const toAuthority = (): AnchorSetting => ({ kind: 'time-stamps', url: authority.url })
const opensslVerifies = (...args: string[]) =>
  String(execFileSync('openssl', ['ts', '-verify', '-CAfile', authority.caFile, ...args], { stdio: 'pipe' }))

describe('a directory as an anchor', () => {
  it('has the checkpoint and the signature of each interval, byte for byte, and status says which is the newest', async () => {
    const sources = story(bench)
    await using running = await worker([toDirectory()])
    for (const minutes of [1, 2]) {
      await bench.deliver(T0 + minutes * MINUTE, sources)
      await running.drain()
    }

    expect(await anchored()).toEqual([`${FIRST}.checkpoint`, `${FIRST}.note`, `${SECOND}.checkpoint`, `${SECOND}.note`])
    for (const name of await anchored()) expect(await readFile(join(anchor, name))).toEqual(await pool(name))
    expect((await statusOf(bench)).anchors).toEqual([
      {
        name: anchor,
        kind: 'directory',
        problem: null,
        problemSince: null,
        overdue: false,
        lastDelivered: { number: 2, stem: SECOND, deliveredAt: T0 + 2 * MINUTE },
      },
    ])
  })

  it('that is missing holds up no export; it is an alarm after an interval, and has the newest when it is back', async () => {
    const sources = story(bench)
    await rename(anchor, `${anchor}-elsewhere`)
    await using running = await worker([toDirectory()])
    await bench.deliver(T0 + MINUTE, sources)
    await running.drain()
    const failedAt = bench.clock.now()

    expect(await pool(`${FIRST}.json`)).not.toHaveLength(0)
    expect((await statusOf(bench)).anchors).toMatchObject([
      {
        problem: `${anchor} is missing. Mount its disk, or create it again.`,
        problemSince: failedAt,
        overdue: false,
        lastDelivered: null,
      },
    ])
    bench.clock.advance({ ms: MINUTE })
    expect((await statusOf(bench)).anchors).toMatchObject([{ overdue: false }])
    bench.clock.advance({ ms: 1 })
    expect((await statusOf(bench)).anchors).toMatchObject([{ overdue: true, problemSince: failedAt }])
    await bench.deliver(T0 + 3 * MINUTE, sources)
    await running.drain()
    await rename(`${anchor}-elsewhere`, anchor)
    bench.clock.advance({ ms: MINUTE })
    await running.drain()

    // The newest vouches for those before it: what was missed is not delivered later.
    expect(await anchored()).toEqual([`${THIRD}.checkpoint`, `${THIRD}.note`])
    expect((await statusOf(bench)).anchors).toMatchObject([
      { problem: null, problemSince: null, overdue: false, lastDelivered: { number: 3 } },
    ])
  })

  it('whose share was unmounted is not written to', async () => {
    const sources = story(bench)
    await using running = await worker([toDirectory()])
    await bench.deliver(T0 + MINUTE, sources)
    await running.drain()
    await rename(anchor, `${anchor}-share`)
    await mkdir(anchor)
    await bench.deliver(T0 + 2 * MINUTE, sources)
    await running.drain()

    expect(await anchored()).toEqual([])
    expect((await statusOf(bench)).anchors).toMatchObject([
      { problem: expect.stringContaining(`${anchor} lacks ${FIRST}.note, which was delivered last. Is its disk`) },
    ])
    await rm(anchor, { recursive: true })
    await rename(`${anchor}-share`, anchor)
    bench.clock.advance({ ms: MINUTE })
    await running.drain()
    expect(await anchored()).toHaveLength(4)
  })

  it('keeps the file that it has of another history', async () => {
    const sources = story(bench)
    await writeFile(join(anchor, `${FIRST}.checkpoint`), 'of another history')
    await using running = await worker([toDirectory()])
    await bench.deliver(T0 + MINUTE, sources)
    await running.drain()

    expect(await readFile(join(anchor, `${FIRST}.checkpoint`), 'utf8')).toBe('of another history')
    expect(await anchored()).toEqual([`${FIRST}.checkpoint`])
    expect((await statusOf(bench)).anchors).toMatchObject([{ problem: expect.stringContaining('is not replaced') }])
  })

  it('is delivered to again, with the same bytes, by a worker whose predecessor died before it recorded it', async () => {
    const sources = story(bench)
    await using first = await worker([toDirectory(), toAuthority()])
    await bench.deliver(T0 + MINUTE, sources)
    await first.drain()
    await first.stop()
    const before = await stat(join(anchor, `${FIRST}.note`), { bigint: true })
    const asked = authority.requests.length
    await bench.db.knex('anchor_delivery').delete()

    await using second = await worker([toDirectory(), toAuthority()], 'w2')
    await second.drain()

    expect((await stat(join(anchor, `${FIRST}.note`), { bigint: true })).ino).toBe(before.ino)
    expect((await statusOf(bench)).anchors).toMatchObject([
      { lastDelivered: { number: 1 } },
      { lastDelivered: { number: 1 } },
    ])
    expect(authority.requests).toHaveLength(asked)
  })

  it('that hangs is a problem although it gives no error, and does not hold up a stop', async () => {
    // What opens it waits for somebody who writes into it, like a share whose server is gone.
    const hanging = join(anchor, `${FIRST}.checkpoint`)
    execFileSync('mkfifo', [hanging])
    const release = async () => (await open(hanging, constants.O_WRONLY | constants.O_NONBLOCK)).close()
    const sources = story(bench)
    const running = await worker([toDirectory()])
    await bench.deliver(T0 + MINUTE, sources)
    const drained = running.drain()
    try {
      await expect.poll(() => readdir(join(output, 'pool'))).toContain(`${FIRST}.json`)
      running.wake()
      await expect.poll(async () => (await statusOf(bench)).anchors).toMatchObject([{ problem: null }])

      bench.clock.advance({ ms: 30_000 })
      running.wake()
      await expect
        .poll(async () => (await statusOf(bench)).anchors)
        .toMatchObject([{ problem: expect.stringContaining('It has not answered for 30 s.'), overdue: false }])

      let stopped = false
      const stop = running.stop().then(() => {
        stopped = true
      })
      const advanced = () => {
        bench.clock.advance({ ms: 2_000 })
        return stopped
      }
      await expect.poll(advanced).toBe(true)
      await stop
    } finally {
      await release()
      await drained
    }
  })

  it('is shown no longer when it is no longer set, and its problem is gone', async () => {
    const sources = story(bench)
    await rm(anchor, { recursive: true })
    await using first = await worker([toDirectory()])
    await bench.deliver(T0 + MINUTE, sources)
    await first.drain()
    expect((await statusOf(bench)).anchors).toHaveLength(1)
    await first.stop()
    await using second = await worker([], 'w2')
    await second.drain()
    expect((await statusOf(bench)).anchors).toEqual([])
  })

  it('must not lie in the output directory', async () => {
    expect(anchorProblem([{ kind: 'directory', path: '/srv/exports/anchor' }], '/srv/exports')).toContain('cuts it off')
    expect(anchorProblem([{ kind: 'directory', path: '/srv/exports' }], '/srv/exports/')).toBeDefined()
    expect(anchorProblem([{ kind: 'directory', path: '/srv/exports-anchor' }], '/srv/exports')).toBeUndefined()
    await expect(worker([{ kind: 'directory', path: join(output, 'anchor') }])).rejects.toThrow('lies in the output')
  })
})

describe('a time-stamp authority as an anchor', () => {
  it('stamps the checkpoint of each interval, and openssl verifies the reply that lies beside it', async () => {
    const sources = story(bench)
    await using running = await worker([toAuthority()])
    for (const minutes of [1, 2]) {
      await bench.deliver(T0 + minutes * MINUTE, sources)
      await running.drain()
    }

    for (const stem of [FIRST, SECOND]) {
      const reply = ['-in', join(output, 'pool', `${stem}.tsr`)]
      expect(opensslVerifies(...reply, '-data', join(output, 'pool', `${stem}.checkpoint`))).toContain(
        'Verification: OK',
      )
      expect(() => opensslVerifies(...reply, '-data', join(output, 'pool', `${stem}.note`))).toThrow()
    }
    expect(authority.requests.at(-1)?.contentType).toBe('application/timestamp-query')
    expect((await statusOf(bench)).anchors).toMatchObject([
      { name: authority.url, kind: 'time-stamps', lastDelivered: { number: 2, stem: SECOND } },
    ])
  })

  it.each([
    ['an error page', 'answered with HTTP status 503', (reply) => reply.writeHead(503).end('<html>')],
    ['something else', 'not a time stamp', (reply) => reply.end('<html>')],
    ['nothing', 'not a time stamp', (reply) => reply.end()],
    ['a stamp of another text', 'a time stamp of something else', (reply) => reply.end(authority.stamp(Buffer.of(1)))],
    ['a refusal', 'its reply has the status 2', (reply) => reply.end(Buffer.from('30053003020102', 'hex'))],
    ['a reply without an end', 'is longer than', (reply) => reply.end(Buffer.alloc((1 << 20) + 1))],
    ['a connection that breaks', 'cannot be reached', (reply) => reply.destroy()],
  ] as [string, string, Parameters<TimeStampAuthority['answerWith']>[0] & object][])(
    'that answers with %s has stamped nothing; it is asked again',
    async (_, problem, answer) => {
      const sources = story(bench)
      authority.answerWith(answer)
      await using running = await worker([toAuthority()])
      await bench.deliver(T0 + MINUTE, sources)
      await running.drain()

      expect((await statusOf(bench)).anchors).toMatchObject([
        { problem: expect.stringContaining(problem), lastDelivered: null },
      ])
      expect(await readdir(join(output, 'pool'))).not.toContain(`${FIRST}.tsr`)
      authority.answerWith(undefined)
      bench.clock.advance({ ms: MINUTE })
      await running.drain()
      expect((await statusOf(bench)).anchors).toMatchObject([{ problem: null, lastDelivered: { number: 1 } }])
    },
  )

  it('that refuses again and again is asked ever more rarely', async () => {
    const sources = story(bench)
    authority.answerWith((reply) => reply.writeHead(503).end())
    await using running = await worker([toAuthority()])
    await bench.deliver(T0 + MINUTE, sources)
    for (let attempt = 0; attempt < 8; attempt++) {
      await running.drain()
      bench.clock.advance({ ms: MINUTE })
    }
    await running.drain()
    const asked = authority.requests.length
    for (let turn = 0; turn < 3; turn++) await running.drain()
    expect(authority.requests).toHaveLength(asked)
  })

  it('is told the password in its URL, and neither status nor a problem names it', async () => {
    const sources = story(bench)
    const url = authority.url.replace('://', '://bank:s%C3%A9cret@')
    await using running = await worker([{ kind: 'time-stamps', url: `${url}?key=s3` }])
    authority.answerWith((reply) => reply.writeHead(401).end())
    await bench.deliver(T0 + MINUTE, sources)
    await running.drain()

    expect(authority.requests.at(-1)?.authorization).toBe(`Basic ${Buffer.from('bank:sécret').toString('base64')}`)
    expect(JSON.stringify(await statusOf(bench))).not.toMatch(/s%C3%A9cret|sécret|s3/)
    expect(anchorName({ kind: 'time-stamps', url: `${url}?key=s3` })).toBe(authority.url)
  })

  it('that does not answer holds up neither sealing nor the other anchor', async () => {
    const sources = story(bench)
    await using running = await worker([toAuthority(), toDirectory()])
    const silence = Promise.withResolvers<() => void>()
    authority.answerWith((reply, honest) => silence.resolve(() => reply.end(honest)))
    await bench.deliver(T0 + MINUTE, sources)
    const drained = running.drain()
    const answer = await silence.promise
    await expect.poll(anchored).toEqual([`${FIRST}.checkpoint`, `${FIRST}.note`])

    answer()
    await drained
    expect(await readdir(join(output, 'pool'))).toContain(`${FIRST}.tsr`)
  })
})
