/**
 * Needs a person: the stylesheet is at fault, and retrying cannot help until someone changes it.
 *
 * `diagnostics` is what the engine said, word for word; it may quote chats, so it belongs in front of an
 * officer and not in a log that travels.
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
