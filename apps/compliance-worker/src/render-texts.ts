import type { RecordAdapter } from '@hansard/adapter'
import type { EventKind } from '@hansard/compliance-event'
import { chainText } from './chain-text.ts'
import { chainFileOf, stemOf } from './file-names.ts'
import type { Rendered, Rendering } from './render-export.ts'

/**
 * An export of the record series: the events' texts in the order of the chain file.
 *
 * One read of the texts gives both: a document is written as soon as it is complete, while the chain file grows. The
 * texts come from where the chain is verified, so no text is written whose hash the chain does not have.
 */
export async function renderTexts({
  db,
  planned,
  options,
  format,
  counts,
  add,
  adapter,
}: Rendering & { adapter: RecordAdapter }): Promise<Rendered> {
  const documents = adapter.open(options, { stem: stemOf(planned) })
  const addDocument = ({ name, role, bytes, events }: ReturnType<typeof documents.finish>) =>
    add(name, role, bytes, () => events)
  const chain = chainText(db, planned, format, ({ body, kind }) => {
    if (body === undefined) return undefined
    counts[kind as EventKind] += 1
    const complete = documents.add(body)
    return complete && addDocument(complete)
  })
  const lines = async function* () {
    yield* chain.lines()
    // Before the chain file has its name: manifests list documents first.
    await addDocument(documents.finish())
  }
  await add(chainFileOf(planned), 'chain', lines(), () => chain.numbers())
  return { chain, pages: [] }
}
