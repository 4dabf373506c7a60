import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'

/** What every server of this package can do. */
export type ServerProcess = AsyncDisposable & {
  readonly url: string
  readonly port: number
  /** Changes with every restart. */
  readonly pid: number
  /** SIGKILL: nothing is flushed, nobody is told. Resolves when the process is gone. */
  kill(): Promise<void>
  /** Starts it again on the same directory and port; kills it first if it still runs. */
  restart(): Promise<void>
  /** Ends it and removes its directory. Twice is fine. */
  stop(): Promise<void>
}

export type Command = {
  readonly program: string
  readonly args: readonly string[]
  readonly uid?: number | undefined
  readonly gid?: number | undefined
  /** A line of its output that says it accepts connections. */
  readonly ready: RegExp
  /** What ends it at once without leaving anything in the kernel. */
  readonly endSignal: 'SIGKILL' | 'SIGQUIT'
}

const READY_MS_MAX = 100_000

// A test process that ends without disposing, killed perhaps, must not leave servers behind. On Linux the kernel sees
// to that; elsewhere we do, as far as we get.
const running = new Map<ChildProcess, NodeJS.Signals>()
process.on('exit', () => {
  for (const [child, signal] of running) child.kill(signal)
})
const SETPRIV = '/usr/bin/setpriv'

export class NotStarted extends Error {
  override name = 'NotStarted'
}

/** Starts a program and waits for its ready line. Rejects with its output when it ends before that. */
export function launch({ program, args, uid, gid, ready, endSignal }: Command): Promise<ChildProcess> {
  const bound = existsSync(SETPRIV) ? [SETPRIV, '--pdeathsig', endSignal.slice('SIG'.length)] : []
  const [first, ...rest] = [...bound, program, ...args] as [string, ...string[]]
  const child = spawn(first, rest, {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
    cwd: '/',
    env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' },
  })
  running.set(child, endSignal)
  child.once('exit', () => running.delete(child))

  return new Promise((resolve, reject) => {
    let output = ''
    const fail = (why: string) => {
      clearTimeout(timer)
      child.kill('SIGKILL')
      reject(new NotStarted(`${program} ${why}\n${output.slice(-2_000)}`))
    }
    const timer = setTimeout(() => fail(`was not ready after ${READY_MS_MAX} ms`), READY_MS_MAX)
    const listen = (chunk: Buffer) => {
      output += chunk.toString()
      if (!ready.test(output)) return
      clearTimeout(timer)
      for (const stream of [child.stdout, child.stderr]) stream.removeAllListeners('data').resume()
      child.removeAllListeners('error').removeListener('exit', ended)
      resolve(child)
    }
    const ended = (code: number | null, signal: string | null) => fail(`ended with ${code ?? signal}`)
    child.stdout.on('data', listen)
    child.stderr.on('data', listen)
    child.once('error', (error) => fail(error.message))
    child.once('exit', ended)
  })
}

/** Sends `signal` and resolves when the process is gone. */
export async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill(signal)
  await gone
}
