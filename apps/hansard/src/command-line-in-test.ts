import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { PassThrough } from 'node:stream'
import { systemClock } from '@hansard/clock'
import { Env } from '@hansard/config'
import { silentLog } from '@hansard/log'
import { runCommandLine } from './command-line.ts'
import { type StandardEdition, startStandardEdition } from './standard-edition/standard-edition.ts'

type Options = { readonly env?: Record<string, string>; readonly input?: string }

/** A pool of one process, and the command line that asks it as its operator. */
export type PoolOnTheLine = AsyncDisposable & {
  readonly data: string
  readonly pool: StandardEdition
  /** Runs a command line as a process would, and answers what it wrote. */
  hansard(line: readonly string[], options?: Options): Promise<{ exitCode: number; stdout: string; stderr: string }>
  /** The same while it runs: `input` is what it reads, and `heard` the first line it writes that holds a text. */
  talk(
    line: readonly string[],
    options: { readonly env: Record<string, string>; readonly input: PassThrough },
  ): { heard(text: string): Promise<string>; readonly done: Promise<number> }
  /** What a command answers that must succeed. */
  // biome-ignore lint/suspicious/noExplicitAny: what a test reads of it is what it is about.
  json(line: readonly string[], options?: Options): Promise<any>
  /** Adds an account, whose password is `<account>s password`: the environment by which it asks. */
  addUser(account: string, ...more: string[]): Promise<Record<string, string>>
}

export async function startPoolOnTheLine({
  approval,
}: {
  approval?: 'one-person' | 'two-people'
} = {}): Promise<PoolOnTheLine> {
  const data = mkdtempSync(join(tmpdir(), 'hansard-'))
  const place = { data, port: 0, host: '127.0.0.1', domain: 'example.com', pool: 'test' }
  const more = { operatorPassword: 'the operator of these tests', logLevel: 'silent' as const, complianceThread: false }
  const options = { ...place, ...more, runIntervalMs: 60 * 60_000, approval }
  const pool = await startStandardEdition(options, { clock: systemClock, log: silentLog })

  const hansard: PoolOnTheLine['hansard'] = async (line, { env = {}, input = '' } = {}) => {
    const [stdout, stderr, stdin] = [new PassThrough(), new PassThrough(), new PassThrough()]
    stdin.end(input)
    const stop = new AbortController().signal
    const exitCode = await runCommandLine([...line, '--data', data], { stdin, stdout, stderr, env: new Env(env), stop })
    return { exitCode, stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? '') }
  }
  const talk: PoolOnTheLine['talk'] = (line, { env, input }) => {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()]
    const written: string[] = []
    const waiting = new Set<() => void>()
    createInterface(stdout).on('line', (text) => {
      written.push(text)
      for (const look of waiting) look()
    })
    const stop = new AbortController().signal
    const io = { stdin: input, stdout, stderr, env: new Env(env), stop }
    return {
      done: runCommandLine([...line, '--data', data], io),
      heard: (text) =>
        new Promise((resolve) => {
          const look = () => {
            const found = written.find((one) => one.includes(text))
            if (found !== undefined) resolve(found)
          }
          waiting.add(look)
          look()
        }),
    }
  }
  const json: PoolOnTheLine['json'] = async (line, given) => {
    const { stdout, exitCode, stderr } = await hansard([...line, '--json'], given)
    if (exitCode !== 0) throw new Error(`${line.join(' ')} ended with ${exitCode}: ${stderr}`)
    return JSON.parse(stdout)
  }
  return {
    data,
    pool,
    hansard,
    talk,
    json,
    async addUser(account, ...rest) {
      const password = `${account}s password`
      await json(['users', 'add', account, '--password', ...rest], { env: { HANSARD_PASSWORD: password } })
      return { HANSARD_AS_PASSWORD: password, HANSARD_PASSWORD: password }
    },
    async [Symbol.asyncDispose]() {
      await pool.stop()
      rmSync(data, { recursive: true, force: true })
    },
  }
}
