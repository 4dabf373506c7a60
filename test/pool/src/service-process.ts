import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const repository = join(dirname(fileURLToPath(import.meta.url)), '../../..')
const require = createRequire(import.meta.url)
const SET_CLOCK = new URL('./set-clock.ts', import.meta.url).href

/** One service of a pool, as a process that can be killed, paused and started again. */
export type ServiceProcess = {
  readonly name: string
  readonly pid: number | undefined
  /** Resolves when the service has reported that it is ready. */
  start(): Promise<Record<string, unknown>>
  kill(): Promise<void>
  /** Asks it to stop and waits until it has; returns its exit code. */
  stop(): Promise<number | null>
  pause(): void
  /** Sets its clock this far ahead of the true time (negative: behind); only with `clockFile`. */
  setClock(aheadMs: number): void
  resume(): void
  readonly running: boolean
}

export function serviceProcess(options: {
  name: string
  /** relative to the repository, such as `apps/relay/src/main.ts` */
  program: string
  args?: readonly string[]
  env: Readonly<Record<string, string>>
  /** path of its log; appended to */
  logFile: string
  /** its clock can be set; the file keeps what it shows */
  clockFile?: string
}): ServiceProcess {
  const { name, program, args = [], logFile, clockFile } = options
  const execArgv = clockFile === undefined ? [] : ['--import', SET_CLOCK]
  const env = clockFile === undefined ? options.env : { ...options.env, TEST_CLOCK_FILE: clockFile }
  let child: ChildProcess | undefined

  const running = () => child !== undefined && child.exitCode === null && child.signalCode === null

  return {
    name,
    get pid() {
      return child?.pid
    },
    get running() {
      return running()
    },
    async start() {
      if (running()) throw new Error(`${name} is running already.`)
      const started = spawn(
        nodeBinary(),
        [...execArgv, '--conditions=@hansard/source', join(repository, program), ...args],
        {
          cwd: repository,
          env: { ...passedOn(), NO_COLOR: '1', ...env },
          stdio: ['ignore', 'pipe', 'pipe'],
        },
      )
      child = started
      started.stderr.pipe(createWriteStream(logFile, { flags: 'a' }))
      const exited = once(started, 'exit').then(([code, signal]) => {
        throw new Error(`${name} ended before it was ready (${code ?? signal}); see ${logFile}.`)
      })
      exited.catch(() => {})
      const lines = createInterface({ input: started.stdout })
      const line = (await Promise.race([once(lines, 'line'), exited])) as [string]
      return JSON.parse(line[0]) as Record<string, unknown>
    },
    async kill() {
      if (!running()) return
      const exited = once(child!, 'exit')
      child!.kill('SIGKILL')
      await exited
    },
    async stop() {
      if (!running()) return child?.exitCode ?? null
      const exited = once(child!, 'exit') as Promise<[number | null]>
      child!.kill('SIGTERM')
      return (await exited)[0]
    },
    setClock(aheadMs) {
      if (clockFile === undefined) throw new Error(`The clock of ${name} cannot be set.`)
      // Renamed, so that a reader never sees half of it.
      writeFileSync(`${clockFile}.new`, String(aheadMs))
      renameSync(`${clockFile}.new`, clockFile)
    },
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
  }
}

/** The Node of this repository, whatever the machine's own is. */
export function nodeBinary(): string {
  const packageFile = require.resolve('node/package.json')
  return join(dirname(packageFile), 'bin/node')
}

/**
 * The variables that a process of ours needs from the test's environment. Without the compile cache a start takes
 * twice the CPU time.
 */
export function passedOn(): Record<string, string> {
  const names = ['PATH', 'NODE_COMPILE_CACHE']
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])))
}
