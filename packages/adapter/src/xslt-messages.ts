/** What travels between the engine and its worker thread. */
export type XsltRequest = {
  readonly id: number
  /** Absent: only parse the document. */
  readonly stylesheet?: string | undefined
  /** Absent: only compile. */
  readonly xml?: Uint8Array | undefined
  /** What the stylesheet sees as the current time, milliseconds since 1970 UTC. */
  readonly at: number
}

export type XsltReply =
  | { readonly id: number; readonly outcome: 'done'; readonly bytes: Uint8Array }
  | { readonly id: number; readonly outcome: 'failed'; readonly diagnostics: string }
  | { readonly id: number; readonly outcome: 'refused'; readonly problem: string; readonly hint: string }

export type XsltWorkerData = { readonly memoryMbMax: number }
