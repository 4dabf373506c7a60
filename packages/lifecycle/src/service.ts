/**
 * Something that was started and can be stopped.
 *
 * Stopping twice is fine; `stop` resolves only when everything has stopped. Nothing calls
 * `process.exit`: a process whose services have stopped ends by itself.
 */
export type Service = AsyncDisposable & { stop(): Promise<void> }

/** Collects what has to be undone, and undoes it once, last first. */
export class StopStack {
  #steps: (() => void | Promise<void>)[] = []
  #stopping: Promise<void> | undefined

  push(step: () => void | Promise<void>): void {
    this.#steps.push(step)
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#run()
    return this.#stopping
  }

  async #run(): Promise<void> {
    const failures: unknown[] = []
    for (const step of this.#steps.reverse()) {
      try {
        await step()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length === 1) throw failures[0]
    if (failures.length > 1) throw new AggregateError(failures, 'Several parts could not be stopped.')
  }
}
