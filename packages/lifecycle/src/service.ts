/**
 * Something started that can be stopped.
 *
 * Stopping is idempotent; `stop` resolves only when everything has stopped. Nothing calls `process.exit`: a process
 * whose services have stopped ends by itself.
 */
export type Service = AsyncDisposable & { stop(): Promise<void> }

/**
 * Disposes a stack, last step first; every call waits for the same disposal. (With plain `disposeAsync`, a second
 * call returns at once, while the first is still running.) A step that fails does not prevent the next.
 */
export function stopOnce(stack: AsyncDisposableStack): () => Promise<void> {
  let stopping: Promise<void> | undefined
  return () => {
    stopping ??= stack.disposeAsync()
    return stopping
  }
}
