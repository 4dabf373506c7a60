import { once } from 'node:events'

/** What a service's process ends with. Documented in docs/operating.md. */
const EXIT_CODES = {
  /** it was asked to stop, and has */
  stopped: 0,
  /** it ended by itself: a successor took its name, or it met a fault of its own */
  ended: 1,
  /** it did not start, and will not until a person changes a setting or what it stands on */
  refused: 2,
  /** it did not start because something could not be reached; it may start later */
  unreachable: 3,
} as const

/** What this module needs of `process`. */
export type ProcessLike = {
  readonly stdout: { write(text: string): unknown }
  readonly stderr: { write(text: string): unknown }
  exitCode?: number | string | null | undefined
  once(signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown
}

/** What a service does in its process. */
type ProcessSteps = {
  /** aborts when the process is asked to end */
  readonly stop: AbortSignal
  /** what is to be undone at the end, or when a later step fails, last first */
  readonly stack: AsyncDisposableStack
  /** Prints one line of JSON: the service answers now. */
  ready(line: Record<string, unknown>): void
}

/**
 * Runs a service until it is asked to stop, or until what `start` answers resolves: the service has been fenced.
 *
 * A start that fails undoes what it has begun, so that nothing of it looks alive, and says in one sentence on standard error
 * what is wrong. An error that has an `exitCode` is an expected one; any other is a fault, and its stack is printed.
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
  EADDRNOTAVAIL: 'is no address of this machine',
  ENOTFOUND: 'is no address of this machine',
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
  // The system's own words for a file: ENOENT: no such file or directory, open '/srv/x'.
  if (path !== undefined) return `${error.message}.`
  return error.stack ?? error.message
}
