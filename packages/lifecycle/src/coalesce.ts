/**
 * Makes of a slow reading one that runs once at a time. A call during another one waits for the next, which all such calls
 * share: the one under way may have read too early for them.
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
