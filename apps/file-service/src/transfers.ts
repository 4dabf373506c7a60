/**
 * Transfers in progress in this service: limits their number, and allows one upload request per file at a time.
 *
 * A later request for the same file takes over from the earlier one. Its client knows that the earlier connection is
 * lost; the server may not detect that for minutes, and must not keep the client waiting until then.
 */
export type Transfers = {
  /** Reserves a slot for a transfer; undefined when none is free. Call the result to release it. */
  enter(principalId: number): (() => void) | undefined
  /**
   * Resolves when no other request of this service works on the file. Calls `superseded` when a later request takes
   * over.
   */
  take(fileId: string, superseded: () => void): Promise<() => void>
}

export function createTransfers(limits: { transfersMax: number; transfersPerPrincipalMax: number }): Transfers {
  let all = 0
  const byPrincipal = new Map<number, number>()
  const holders = new Map<string, { superseded(): void; done: Promise<void> }>()
  return {
    enter(principalId) {
      const own = byPrincipal.get(principalId) ?? 0
      if (all >= limits.transfersMax || own >= limits.transfersPerPrincipalMax) return undefined
      all += 1
      byPrincipal.set(principalId, own + 1)
      let left = false
      return () => {
        if (left) return
        left = true
        all -= 1
        const now = byPrincipal.get(principalId)! - 1
        if (now === 0) byPrincipal.delete(principalId)
        else byPrincipal.set(principalId, now)
      }
    },
    async take(fileId, superseded) {
      const { promise: done, resolve } = Promise.withResolvers<void>()
      const before = holders.get(fileId)
      const holder = { superseded, done }
      holders.set(fileId, holder)
      before?.superseded()
      await before?.done
      return () => {
        if (holders.get(fileId) === holder) holders.delete(fileId)
        resolve()
      }
    },
  }
}
