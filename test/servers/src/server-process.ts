import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'

/** What every server of this package can do. */
export type ServerProcess = AsyncDisposable & {
  readonly url: string
  readonly port: number
  /** Changes with every restart. */
  readonly pid: number
  /** SIGKILL: no flush, no notice. Resolves when the process has ended. */
  kill(): Promise<void>
  /** Restarts it on the same directory and port; kills it first if it still runs. */
  restart(): Promise<void>
  /** Stops it and removes its directory. Idempotent. */
  stop(): Promise<void>
}

type Command = {
  readonly program: string
  readonly args: readonly string[]
  readonly uid?: number | undefined
  readonly gid?: number | undefined
  /** A line of its output that shows that it accepts connections. */
  readonly ready: RegExp
  /** The signal that ends it at once without leaving kernel resources. */
  readonly endSignal: 'SIGKILL' | 'SIGQUIT'
}

const READY_MS_MAX = 100_000

// A test process that exits without disposing, when killed for example, must not leave servers behind. On Linux the
// kernel ensures this; elsewhere this is best effort.
const running = new Map<ChildProcess, NodeJS.Signals>()
process.on('exit', () => {
  for (const [child, signal] of running) child.kill(signal)
})
const SETPRIV = '/usr/bin/setpriv'

export class NotStarted extends Error {
  override name = 'NotStarted'
}

/** Starts a program and waits for its ready line. Rejects with its output when it exits before that. */
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

/** Sends `signal` and resolves when the process has ended. */
export async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill(signal)
  await gone
}
