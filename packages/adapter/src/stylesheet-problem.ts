import { StylesheetError } from './stylesheet-error.ts'
import type { XsltEngine } from './xslt-engine.ts'

/** What is wrong with a stylesheet as such, with what to do about it, or undefined. It may still fail on a document. */
export async function stylesheetProblem(engine: XsltEngine, stylesheet: string): Promise<string | undefined> {
  try {
    await engine.compile(stylesheet)
    return undefined
  } catch (error) {
    if (!(error instanceof StylesheetError)) throw error
    return `${error.message} ${error.hint}`
  }
}
