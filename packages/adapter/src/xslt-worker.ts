import { parentPort, workerData } from 'node:worker_threads'
import { LibxsltFailure, tameLibxslt } from './libxslt.ts'
import type { XsltReply, XsltRequest, XsltWorkerData } from './xslt-messages.ts'

/** The thread stylesheets run in. It does one request at a time; the engine kills it when it takes too long. */
const libxslt = tameLibxslt(workerData as XsltWorkerData)

parentPort!.on('message', async (request: XsltRequest) => {
  const reply = await answer(request)
  parentPort!.postMessage(reply, reply.outcome === 'done' ? [reply.bytes.buffer as ArrayBuffer] : [])
})

async function answer({ id, stylesheet, xml, at }: XsltRequest): Promise<XsltReply> {
  try {
    return { id, outcome: 'done', bytes: await libxslt.run(stylesheet, xml, { at }) }
  } catch (error) {
    if (error instanceof LibxsltFailure) return { id, outcome: 'failed', diagnostics: error.message.trim() }
    throw error
  }
}
