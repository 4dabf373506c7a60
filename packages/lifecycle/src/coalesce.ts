/**
 * Coalesces calls of a slow read: it runs once at a time. A call during a run waits for the next run, which all such
 * calls share, because the current run may have read too early for them.
 */
export function coalesce(read: () => Promise<void>): () => Promise<void> {
  let current: Promise<void> | undefined
  let next: Promise<void> | undefined
  const call = (): Promise<void> => {
    if (!current) {
      current = read().finally(() => {
        current = undefined
      })
      return current
    }
    next ??= current
      .catch(() => {})
      .then(() => {
        next = undefined
        return call()
      })
    return next
  }
  return call
}
