import { openXsltEngine, type XsltEngine, XsltEngineClosed } from '@hansard/adapter'
import { type Lease, LeaseLost } from '@hansard/sql'

type Work = (engine: XsltEngine) => Promise<'progress' | 'nothing'>
type Lane = {
  readonly subject: string
  readonly engine: Promise<XsltEngine>
  running: Promise<void>
  /** work that was asked for while the lane was busy: what it does now may have looked too early */
  asked: { readonly lease: Lease; readonly work: Work } | undefined
  /** the subject has changed: the next tick has work for the lane */
  outdated: boolean
}

/**
 * Lanes run concurrently. Each has an engine, and so a thread, a time limit and a memory limit of its own. A lane
 * does one piece of work at a time. An engine lives as long as its lane is used.
 */
type Lanes = {
  /**
   * Starts `work`. If the lane is busy, it begins `work` afterwards unless it has made progress, which leads to
   * another tick. If it is busy with another `subject` (the adapter's settings have
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

  async function workThrough(name: string, lane: Lane): Promise<void> {
    let wake = false
    while (lane.asked && !wake && !closed) {
      const { lease, work } = lane.asked
      lane.asked = undefined
      try {
        const outcome = await work(await lane.engine)
        if (outcome === 'progress' || lane.outdated) {
          progress = true
          wake = true
        }
      } catch (error) {
        // Its engine was closed for a correction, or because the worker is stopping: the next tick starts it again.
        if (error instanceof XsltEngineClosed) progress = true
        else failures.push({ error, lease })
        wake = true
      }
    }
    // Not after an await: the lane must not be asked for more once it has stopped looking.
    lanes.delete(name)
    if (wake && !closed) onProgress()
  }

  return {
    run({ name, lease, subject, work }) {
      if (closed) return
      const lane = lanes.get(name)
      if (lane) {
        if (lane.subject === subject) {
          lane.asked = { lease, work }
          return
        }
        lane.outdated = true
        engines.delete(name)
        void lane.engine.then((engine) => engine.close())
        return
      }
      const engine = engines.get(name) ?? openXsltEngine()
      engines.set(name, engine)
      const started: Lane = { subject, engine, running: Promise.resolve(), asked: { lease, work }, outdated: false }
      lanes.set(name, started)
      started.running = workThrough(name, started)
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
