import { once } from 'node:events'

/** Exit codes of a service's process. Documented in docs/operating.md. */
const EXIT_CODES = {
  /** stopped as requested */
  stopped: 0,
  /** ended by itself: fenced by a successor, or an internal fault */
  ended: 1,
  /** did not start, and will not until an operator changes a setting or a dependency */
  refused: 2,
  /** did not start because something was unreachable; a later start may succeed */
  unreachable: 3,
} as const

/** The parts of `process` that this module uses. */
export type ProcessLike = {
  readonly stdout: { write(text: string): unknown }
  readonly stderr: { write(text: string): unknown }
  exitCode?: number | string | null | undefined
  once(signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown
}

/** What a service gets from its process. */
type ProcessSteps = {
  /** aborts when the process is asked to stop */
  readonly stop: AbortSignal
  /** disposed at the end, or when a later step fails, last step first */
  readonly stack: AsyncDisposableStack
  /** Prints one line of JSON: the service is ready. */
  ready(line: Record<string, unknown>): void
}

/**
 * Runs a service until it is asked to stop, or until the promise that `start` returns resolves: the service has been
 * fenced.
 *
 * A failed start disposes what it had started, so that nothing appears alive, and prints one sentence with the
 * problem on standard error. An error with an `exitCode` is expected; any other error is a fault, and its stack is
 * printed.
 */
export async function runProcess(
  process: ProcessLike,
  name: string,
  start: (steps: ProcessSteps) => Promise<{ fenced?: Promise<unknown> } | void>,
): Promise<void> {
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
  const stopped = once(stop.signal, 'abort').then(() => 'stopped' as const)
  const stack = new AsyncDisposableStack()
  try {
    const started = await start({
      stop: stop.signal,
      stack,
      ready: (line) => void process.stdout.write(`${JSON.stringify(line)}\n`),
    })
    const fenced = started?.fenced?.then(() => 'fenced' as const)
    if (!stop.signal.aborted && (await Promise.race(fenced ? [stopped, fenced] : [stopped])) === 'fenced')
      process.exitCode = EXIT_CODES.ended
  } catch (error) {
    process.exitCode = exitCodeOf(error)
    process.stderr.write(`${name}: ${wordsOf(error)}\n`)
  }
  await stack.disposeAsync().catch((error: unknown) => {
    process.exitCode ??= EXIT_CODES.ended
    process.stderr.write(`${name}: it did not stop in order: ${wordsOf(error)}\n`)
  })
}

const LISTENING: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is in use by another process',
  EACCES: 'may not be used by this account',
  EADDRNOTAVAIL: 'is not an address of this machine',
  ENOTFOUND: 'is not an address of this machine',
}

function exitCodeOf(error: unknown): number {
  const { exitCode, syscall, path } = error as { exitCode?: unknown; syscall?: unknown; path?: unknown }
  if (typeof exitCode === 'number') return exitCode
  return syscall === 'listen' || path !== undefined ? EXIT_CODES.refused : EXIT_CODES.ended
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { exitCode, syscall, path, code, address, port } = error as NodeJS.ErrnoException & {
    exitCode?: number
    address?: string
    port?: number
  }
  if (exitCode !== undefined) return error.message
  if (syscall === 'listen')
    return `${address ?? 'The address'} port ${port ?? '?'} ${LISTENING[code ?? ''] ?? `cannot be listened on (${code})`}.`
  // The system's own message for a file: ENOENT: no such file or directory, open '/srv/x'.
  if (path !== undefined) return `${error.message}.`
  return error.stack ?? error.message
}
