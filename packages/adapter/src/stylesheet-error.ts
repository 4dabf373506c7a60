/**
 * Needs a person: the stylesheet is at fault, and a retry cannot succeed until somebody changes it.
 *
 * `diagnostics` is the engine's exact output. It may quote chats, so show it to an officer and keep it out of logs.
 */
export class StylesheetError extends Error {
  override name = 'StylesheetError'
  readonly adapter: string | undefined
  readonly diagnostics: string
  readonly hint: string

  constructor({ adapter, problem, diagnostics = '', hint, cause }: StylesheetProblem) {
    super(adapter === undefined ? problem : `${adapter}: ${problem}`, { cause })
    this.adapter = adapter
    this.diagnostics = diagnostics
    this.hint = hint
  }
}

export type StylesheetProblem = {
  readonly adapter?: string | undefined
  readonly problem: string
  readonly diagnostics?: string
  readonly hint: string
  readonly cause?: unknown
}
