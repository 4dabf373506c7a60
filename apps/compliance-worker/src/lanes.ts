import { openXsltEngine, type XsltEngine, XsltEngineClosed } from '@hansard/adapter'
import { type Lease, LeaseLost } from '@hansard/sql'

type Work = (engine: XsltEngine) => Promise<'progress' | 'nothing'>
type Lane = { readonly subject: string; readonly engine: Promise<XsltEngine>; readonly running: Promise<void> }

/**
 * Lanes run concurrently. Each has an engine, and so a thread, a time limit and a memory limit of its own. A lane
 * does one piece of work at a time. An engine lives as long as its lane is used.
 */
type Lanes = {
  /**
   * Starts `work` unless the lane is busy. If it is busy with another `subject` (the adapter's settings have
   * changed), its stylesheet is stopped, so that a correction takes effect at once.
   */
  run(options: { name: string; lease: Lease; subject: string; work: Work }): void
  /** Releases the engines of other lanes that are idle. */
  keep(names: readonly string[]): void
  /** Throws, once, an error of a lane that concerns the whole worker. Errors under an earlier lease are dropped. */
  throwFailure(lease: Lease): void
  settled(): Promise<'progress' | 'nothing'>
  close(): Promise<void>
}

export function createLanes({ onProgress }: { onProgress: () => void }): Lanes {
  const lanes = new Map<string, Lane>()
  const engines = new Map<string, Promise<XsltEngine>>()
  let failures: { readonly error: unknown; readonly lease: Lease }[] = []
  let progress = false
  let closed = false

  return {
    run({ name, lease, subject, work }) {
      if (closed) return
      const lane = lanes.get(name)
      if (lane) {
        if (lane.subject === subject) return
        engines.delete(name)
        void lane.engine.then((engine) => engine.close())
        return
      }
      const engine = engines.get(name) ?? openXsltEngine()
      engines.set(name, engine)
      const running = engine
        .then(work)
        .then((outcome) => {
          if (outcome === 'progress') progress = true
          return outcome === 'progress'
        })
        .catch((error: unknown) => {
          // Its engine was closed for a correction, or because the worker is stopping: the next tick starts it again.
          if (error instanceof XsltEngineClosed) progress = true
          else failures.push({ error, lease })
          return true
        })
        .then((wake) => {
          lanes.delete(name)
          if (wake && !closed) onProgress()
        })
      lanes.set(name, { subject, engine, running })
    },
    keep(names) {
      for (const [name, engine] of engines) {
        if (names.includes(name) || lanes.has(name)) continue
        engines.delete(name)
        void engine.then((each) => each.close())
      }
    },
    throwFailure(lease) {
      const [first] = failures.filter((each) => !(each.error instanceof LeaseLost) || each.lease.token === lease.token)
      failures = []
      if (first) throw first.error
    },
    async settled() {
      await Promise.all([...lanes.values()].map((lane) => lane.running))
      const done = progress || failures.length > 0 ? 'progress' : 'nothing'
      progress = false
      return done
    },
    async close() {
      closed = true
      await Promise.all([...engines.values()].map(async (engine) => (await engine).close()))
      await Promise.all([...lanes.values()].map((lane) => lane.running))
    },
  }
}
