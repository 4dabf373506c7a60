import type { Readable, Writable } from 'node:stream'
import type { Env } from '@hansard/config'

/** What a command may touch of the process it runs in. `bin.ts` hands it the real one, tests hand it another. */
export type Io = {
  readonly stdin: Readable & { readonly isTTY?: boolean; setRawMode?(raw: boolean): unknown }
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number }
  readonly stderr: Writable & { readonly isTTY?: boolean; readonly columns?: number }
  readonly env: Env
  /** aborts when the process is asked to end */
  readonly stop: AbortSignal
}

/** 0: done. 1: the pool or the evidence said no. 2: wrong usage, or nobody or nothing could be reached or read. */
export type ExitCode = 0 | 1 | 2 | 3

/** Writes the answer of a command: one line of JSON for programs, or text for people. */
export function answer(io: Io, json: boolean, value: unknown, text: () => string): void {
  io.stdout.write(json ? `${JSON.stringify(value)}\n` : text())
}
