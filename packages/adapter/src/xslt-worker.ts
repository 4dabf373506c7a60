import { parentPort, workerData } from 'node:worker_threads'
import { LibxsltFailure, tameLibxslt } from './libxslt.ts'
import { StylesheetError } from './stylesheet-error.ts'
import { assertNoDoctype, assertStylesheetAllowed } from './stylesheet-rules.ts'
import type { XsltReply, XsltRequest, XsltWorkerData } from './xslt-messages.ts'

/** The thread stylesheets run in. It does one request at a time; the engine kills it when it takes too long. */
const libxslt = tameLibxslt(workerData as XsltWorkerData)
/** The last stylesheet that passed the check: an export uses one for all its documents. */
let allowed: string | undefined

parentPort!.on('message', async (request: XsltRequest) => {
  const reply = await answer(request)
  parentPort!.postMessage(reply, reply.outcome === 'done' ? [reply.bytes.buffer as ArrayBuffer] : [])
})

async function answer({ id, stylesheet, xml, at }: XsltRequest): Promise<XsltReply> {
  try {
    if (stylesheet === undefined) {
      await libxslt.parse(xml!)
      return { id, outcome: 'done', bytes: new Uint8Array() }
    }
    const unread = stylesheet === allowed ? undefined : unreadable(stylesheet)
    if (xml) assertNoDoctype(xml)
    const bytes = await libxslt.run(stylesheet, xml, { at })
    // If libxslt cannot read it either, its own message is better.
    if (unread) throw unread
    allowed = stylesheet
    return { id, outcome: 'done', bytes }
  } catch (error) {
    if (error instanceof LibxsltFailure) return { id, outcome: 'failed', diagnostics: error.message.trim() }
    if (error instanceof StylesheetError) return { id, outcome: 'refused', problem: error.message, hint: error.hint }
    throw error
  }
}

/** Throws when something is not allowed. Returns the error of a stylesheet that cannot be checked. */
function unreadable(stylesheet: string): StylesheetError | undefined {
  try {
    assertStylesheetAllowed(stylesheet)
    return undefined
  } catch (error) {
    if (error instanceof StylesheetError) throw error
    return new StylesheetError({
      problem: 'The stylesheet is XML that cannot be checked.',
      hint: `The reader says: ${error instanceof Error ? error.message : String(error)}`,
    })
  }
}
