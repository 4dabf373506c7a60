import { Worker } from 'node:worker_threads'
import { StylesheetError } from './stylesheet-error.ts'
import type { XsltReply, XsltRequest, XsltWorkerData } from './xslt-messages.ts'

/**
 * Runs officers' XSLT 1.0 stylesheets.
 *
 * A stylesheet is a program that somebody else wrote, and it runs beside every chat of the pool. It gets a
 * thread of its own, where it can reach neither files nor network; a time after which the thread is killed;
 * and a bound on memory that the thread cannot grow past. A killed thread is replaced. Transformations are
 * done one after the other, so that memory is bounded by one of them.
 */
export type XsltEngine = {
  /** Part of every manifest: another version may write other bytes. */
  readonly version: string
  /** Throws a `StylesheetError` when the stylesheet cannot be used. */
  compile(stylesheet: string): Promise<void>
  /** Throws a `StylesheetError` when the stylesheet fails, takes too long or needs too much memory. */
  transform(stylesheet: string, xml: Uint8Array, options?: { readonly at?: number }): Promise<Uint8Array>
  /** What the parser says against these bytes as XML; undefined when they are well-formed. It may quote chats. */
  wellFormednessProblem(xml: Uint8Array): Promise<string | undefined>
  /** Stops the running transformation; waiting ones are refused with `XsltEngineClosed`. */
  close(): Promise<void>
}

export type XsltEngineOptions = {
  readonly timeoutMs?: number
  readonly memoryMbMax?: number
  /** Aborts at the time limit of a transformation; by default the machine's timer. */
  readonly deadline?: (timeoutMs: number) => AbortSignal
}

export const XSLT_ENGINE_VERSION = 'libxslt-wasm/0.0.20'

export async function openXsltEngine(options: XsltEngineOptions = {}): Promise<XsltEngine> {
  const { timeoutMs = 120_000, memoryMbMax = 768, deadline = (ms) => AbortSignal.timeout(ms) } = options
  let worker: Worker | undefined
  let closed = false
  let turn: Promise<unknown> = Promise.resolve()
  let requests = 0

  const inTurn = (request: Omit<XsltRequest, 'id'>): Promise<Uint8Array> => {
    const mine = turn.then(async () => {
      if (closed) throw new XsltEngineClosed()
      if (!worker) {
        const started = startWorker({ memoryMbMax })
        started.once('exit', () => {
          if (worker === started) worker = undefined
        })
        worker = started
      }
      const outcome = await ask(worker, { ...request, id: ++requests }, deadline(timeoutMs))
      if (outcome.workerLost) worker = undefined
      if (outcome.workerLost && closed) throw new XsltEngineClosed()
      if ('bytes' in outcome) return outcome.bytes
      throw failure(outcome, { timeoutMs, memoryMbMax })
    })
    turn = mine.catch(() => {})
    return mine
  }

  return {
    version: XSLT_ENGINE_VERSION,
    async compile(stylesheet) {
      await inTurn({ stylesheet, at: 0 })
    },
    async transform(stylesheet, xml, { at = 0 } = {}) {
      return inTurn({ stylesheet, xml, at })
    },
    async wellFormednessProblem(xml) {
      try {
        await inTurn({ xml, at: 0 })
        return undefined
      } catch (error) {
        if (!(error instanceof StylesheetError)) throw error
        return error.diagnostics === '' ? error.message : error.diagnostics
      }
    },
    async close() {
      closed = true
      await worker?.terminate()
      await turn
    },
  }
}

/** Nothing is wrong with the stylesheet: the service was stopping. */
export class XsltEngineClosed extends Error {
  override name = 'XsltEngineClosed'
  constructor() {
    super('The XSLT engine has been closed.')
  }
}

type Outcome =
  | { readonly workerLost: false; readonly bytes: Uint8Array }
  | { readonly workerLost: false; readonly diagnostics: string }
  | { readonly workerLost: false; readonly problem: string; readonly hint: string }
  | { readonly workerLost: true; readonly why: 'timeout' | 'crash'; readonly cause?: unknown }

function ask(worker: Worker, request: XsltRequest, timeout: AbortSignal): Promise<Outcome> {
  return new Promise((resolve) => {
    const finish = (outcome: Outcome) => {
      timeout.removeEventListener('abort', onTimeout)
      worker.off('message', onReply)
      worker.off('error', onError)
      worker.off('exit', onExit)
      worker.unref()
      if (!outcome.workerLost) return resolve(outcome)
      worker.on('error', () => {})
      worker.terminate().then(
        () => resolve(outcome),
        () => resolve(outcome),
      )
    }
    const onReply = (reply: XsltReply) => {
      if (reply.id !== request.id) return
      if (reply.outcome === 'done') finish({ workerLost: false, bytes: reply.bytes })
      else if (reply.outcome === 'failed') finish({ workerLost: false, diagnostics: reply.diagnostics })
      else finish({ workerLost: false, problem: reply.problem, hint: reply.hint })
    }
    const onError = (cause: unknown) => finish({ workerLost: true, why: 'crash', cause })
    const onExit = () => finish({ workerLost: true, why: 'crash' })
    const onTimeout = () => finish({ workerLost: true, why: 'timeout' })

    if (timeout.aborted) return onTimeout()
    timeout.addEventListener('abort', onTimeout)
    worker.on('message', onReply)
    worker.on('error', onError)
    worker.on('exit', onExit)
    worker.ref()
    worker.postMessage(request)
  })
}

function failure(
  outcome: Exclude<Outcome, { bytes: Uint8Array }>,
  { timeoutMs, memoryMbMax }: { timeoutMs: number; memoryMbMax: number },
): StylesheetError {
  if ('problem' in outcome) return new StylesheetError(outcome)
  if (!outcome.workerLost) {
    return new StylesheetError({
      problem: `The stylesheet could not be applied: ${firstLine(outcome.diagnostics)}`,
      diagnostics: outcome.diagnostics,
      hint: 'Run the document through `xsltproc` with this stylesheet to see where it fails. Anything it reports, xsl:message included, stops an export.',
    })
  }
  if (outcome.why === 'timeout') {
    return new StylesheetError({
      problem: `The stylesheet did not finish within ${timeoutMs / 1_000} s.`,
      hint: 'Look for templates that search the whole document for every message; use xsl:key, or lower eventsPerFileMax.',
    })
  }
  return new StylesheetError({
    problem: `The stylesheet brought its thread down; it may use ${memoryMbMax} MiB.`,
    hint: 'Lower eventsPerFileMax, or look for templates that copy the document over and over.',
    cause: outcome.cause,
  })
}

function firstLine(diagnostics: string): string {
  return diagnostics.split('\n', 1)[0]!
}

function startWorker(workerData: XsltWorkerData): Worker {
  // Run from source, the worker is the TypeScript file; built, the JavaScript one beside this.
  const file = new URL(import.meta.url.endsWith('.ts') ? './xslt-worker.ts' : './xslt-worker.js', import.meta.url)
  const worker = new Worker(file, {
    name: 'hansard-xslt',
    workerData,
    env: {},
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: 512, stackSizeMb: 16 },
  })
  // An idle thread does not keep the process alive; one that is asked something does.
  worker.unref()
  return worker
}
