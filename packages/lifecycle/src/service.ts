/**
 * Something that was started and can be stopped.
 *
 * Stopping twice is fine; `stop` resolves only when everything has stopped. Nothing calls
 * `process.exit`: a process whose services have stopped ends by itself.
 */
export type Service = AsyncDisposable & { stop(): Promise<void> }

/**
 * Disposes a stack, last step first, and every call waits for the same disposal. (`disposeAsync` by itself answers a
 * second call at once, while the first is still under way.) A step that fails does not prevent the next.
 */
export function stopOnce(stack: AsyncDisposableStack): () => Promise<void> {
  let stopping: Promise<void> | undefined
  return () => {
    stopping ??= stack.disposeAsync()
    return stopping
  }
}
