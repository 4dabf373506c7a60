import { Worker } from 'node:worker_threads'
import { CommandFailure } from '../cli/command-failure.ts'
import type { ExitCode } from '../cli/io.ts'
import type { ReplayOptions, ReplaySummary } from './replay-corpus.ts'

type ReplaySettings = Pick<ReplayOptions, 'files' | 'speed' | 'filesAtOnce' | 'sessionsMax' | 'signInsAtOnce'>

/** Plain data: it crosses into a thread. */
export type ReplayAsked = ReplaySettings & {
  readonly server: string
  readonly token: string
}
export type ReplayTold =
  | { readonly kind: 'progress'; readonly steps: number; readonly chats: number }
  | { readonly kind: 'done'; readonly summary: ReplaySummary }
  | {
      readonly kind: 'failed'
      readonly exitCode: ExitCode
      readonly message: string
      readonly hint: string | undefined
    }

/**
 * `replayCorpus` in a thread of its own: where the pool runs in this process too, its clients would take the time it
 * needs to serve them.
 */
export function replayInThread(
  { stop, progress, ...settings }: ReplaySettings & Pick<ReplayOptions, 'stop' | 'progress'>,
  address: { readonly server: string; readonly token: string },
): Promise<ReplaySummary> {
  const asked: ReplayAsked = { ...settings, ...address }
  const extension = import.meta.filename.endsWith('.ts') ? 'ts' : 'js'
  const thread = new Worker(new URL(`./replay-thread.${extension}`, import.meta.url), { workerData: asked })
  const interrupt = () => thread.postMessage('stop')
  stop.addEventListener('abort', interrupt, { once: true })
  if (stop.aborted) interrupt()
  return new Promise<ReplaySummary>((resolve, reject) => {
    thread.on('message', (told: ReplayTold) => {
      if (told.kind === 'progress') progress(told)
      else if (told.kind === 'done') resolve(told.summary)
      else reject(new CommandFailure(told.exitCode, told.message, { hint: told.hint }))
    })
    thread.on('error', reject)
    thread.on('exit', (code) => reject(new Error(`The replay ended by itself (code ${code}).`)))
  }).finally(() => stop.removeEventListener('abort', interrupt))
}
