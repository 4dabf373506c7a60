import { EVENT_KINDS, type EventKind } from '@hansard/compliance-event'
import type { LeftOutReason, Page, PageProblem } from './page.ts'
import { compareWithSkeleton, type Skeleton, skeletonOf } from './page-comparison.ts'
import type { OutputForm } from './page-escapes.ts'
import { locateEvents } from './page-places.ts'
import { kindsIn, type TokenDocument, type TokenOptions, tokenDocument } from './page-tokens.ts'
import { StylesheetError } from './stylesheet-error.ts'
import type { XsltEngine } from './xslt-engine.ts'

/** The page of a document that is given out as it is. Texts cannot look like markup: the writer escapes them. */
export function pageOfDocument(document: Uint8Array): Page {
  const xml = Buffer.from(document.buffer, document.byteOffset, document.byteLength).toString('latin1')
  return pageOf(
    kindsIn(xml).map((kind) => ({ kind, reason: undefined })),
    [],
  )
}

/**
 * Establishes which events of a conversations document are in what a stylesheet made of it.
 *
 * The stylesheet renders the document once more, with a token in the place of every text; see `tokenDocument`. Usually
 * that is all. A second rendering with plain stamps follows if the first has another skeleton than the real output,
 * because some stylesheets calculate with stamps. A third, with senders told apart, follows if an event without texts
 * (somebody came, somebody left) was not found by its stamp.
 */
export async function checkPage(engine: XsltEngine, { stylesheet, document, output, at }: PageSubject): Promise<Page> {
  const real = textOf(output)
  const form = formOf(real, stylesheet)
  const taken = [real, stylesheet]
  const render = async (options: TokenOptions): Promise<{ tokens: TokenDocument; skeleton: Skeleton }> => {
    const tokens = tokenDocument(document, options, taken)
    const rendered = await engine.transform(stylesheet, tokens.bytes, { at })
    return { tokens, skeleton: skeletonOf(textOf(rendered), tokens) }
  }
  const problems: PageProblem[] = []
  if (output.byteLength === 0) problems.push('empty')
  else if (form === 'xml' && (await engine.wellFormednessProblem(output)) !== undefined) problems.push('malformed')

  let first: Awaited<ReturnType<typeof render>>
  let proof: ReturnType<typeof compare>
  try {
    first = (await render({ times: true, sendersApart: false }).catch(unlessRefused)) ?? (await render(PLAIN))
    proof = compare(real, first.skeleton, form)
    if (!proof.same) proof = compare(real, (await render(PLAIN)).skeleton, form)
  } catch (error) {
    unlessRefused(error)
    // It accepts these texts and refuses others.
    const verdicts = tokenDocument(document, PLAIN, taken).events.map(({ kind }) => ({
      kind,
      reason: 'changed' as const,
    }))
    return pageOf(verdicts, [...problems, 'depends-on-texts'])
  }
  const places = locateEvents(first.tokens, first.skeleton)
  const apart = places.events.some(({ isTraceless }) => isTraceless)
    ? (await render({ times: false, sendersApart: true })).skeleton
    : undefined
  const found = new Set(apart?.tokens.filter(({ role }) => role === 'detail').map(({ event }) => event))

  const verdicts = places.events.map(({ kind, reason, isTraceless }, event) => {
    if (problems.includes('malformed')) return { kind, reason: 'malformed' as const }
    if (reason === 'missing' && isTraceless && found.has(event)) return { kind, reason: undefined }
    return { kind, reason: reason ?? (proof.changed.has(event) ? ('changed' as const) : undefined) }
  })
  if (places.hidesNames) problems.push('names')
  if (!proof.same) problems.push('depends-on-texts')
  return pageOf(verdicts, problems)
}

const PLAIN: TokenOptions = { times: false, sendersApart: false }

function unlessRefused(error: unknown): undefined {
  if (!(error instanceof StylesheetError)) throw error
}

type PageSubject = {
  readonly stylesheet: string
  /** the conversations document */
  readonly document: Uint8Array
  /** what the stylesheet made of it */
  readonly output: Uint8Array
  /** the time the stylesheet was given */
  readonly at: number
}

function compare(real: string, skeleton: Skeleton, form: OutputForm) {
  const proof = compareWithSkeleton(real, skeleton, form)
  return proof.same || form !== 'text' ? proof : bestOf(proof, compareWithSkeleton(real, skeleton, 'csv'))
}

const bestOf = <P extends { same: boolean; changed: ReadonlySet<number> }>(one: P, other: P): P =>
  other.same || other.changed.size < one.changed.size ? other : one

function pageOf(
  verdicts: readonly { kind: EventKind; reason: LeftOutReason | undefined }[],
  problems: readonly PageProblem[],
): Page {
  const shown: Partial<Record<EventKind, number>> = {}
  const leftOut = new Map<string, { kind: EventKind; reason: LeftOutReason; events: number }>()
  for (const kind of EVENT_KINDS) {
    for (const { reason } of verdicts.filter((each) => each.kind === kind)) {
      if (reason === undefined) {
        shown[kind] = (shown[kind] ?? 0) + 1
        continue
      }
      const entry = leftOut.get(`${kind} ${reason}`) ?? { kind, reason, events: 0 }
      entry.events += 1
      leftOut.set(`${kind} ${reason}`, entry)
    }
  }
  return { shown, leftOut: [...leftOut.values()], problems }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
}

/** What begins like XML is read as XML, also when a stylesheet has put it together as text. */
function formOf(output: string, stylesheet: string): OutputForm {
  const method = /<(?:[\w.-]+:)?output\b[^>]*\bmethod\s*=\s*["']([a-z]+)["']/.exec(stylesheet)?.[1]
  if (method === 'html' || (method === undefined && /^\s*<html\b/i.test(output))) return 'html'
  if (method === 'text' && !/^\s*</.test(output)) return 'text'
  return 'xml'
}
