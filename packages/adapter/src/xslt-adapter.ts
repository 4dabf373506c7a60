import { readFileSync } from 'node:fs'
import { eventWeight, type RoomSlice } from '@hansard/conversation'
import type { Adapter, AdapterOptions, ExportContext, ExportFile } from './adapter.ts'
import { type AttachmentsDocument, openAttachmentsDocument } from './attachments-document.ts'
import { checkPage, pageOfDocument } from './check-page.ts'
import type { ConversationsDocument, Profile } from './document.ts'
import { extendedProfile } from './extended-document.ts'
import { strictProfile } from './strict-document.ts'
import { StylesheetError } from './stylesheet-error.ts'
import type { XsltEngine } from './xslt-engine.ts'

/**
 * An adapter that writes the conversations document and applies an XSLT 1.0 stylesheet to it.
 *
 * Conversations are packed into documents in order, as many as fit: a document holds at most `eventsPerFileMax`
 * events (and roster entries; a long text counts for several events), or one room if `oneChatRoomPerOutputFile` is
 * set. An interval without events gives one document without conversations, so that nobody has to interpret a missing
 * file.
 *
 * The identity stylesheet is not run: an identity transformation of the writer's bytes gives the same bytes. A test
 * holds that, and it makes the default several times faster.
 */
export function defineXsltAdapter(definition: XsltAdapterDefinition): Adapter {
  const { name, version, extension } = definition
  const profile = PROFILES[definition.profile]
  const defaultStylesheet = readFileSync(definition.stylesheet, 'utf8')
  return {
    name,
    profile: profile.name,
    version,
    extension,
    defaultStylesheet,
    includesKind: profile.includesKind,
    async *translate(slices, options, context, engine, stylesheet) {
      const runs = !(definition.stylesheetIsIdentity && stylesheet === defaultStylesheet)
      const nameOf = (number: number, roomName?: string) => fileName(context.stem, { number, roomName }, extension)
      for await (const { document, attachments } of documents(slices, options, context, profile, nameOf)) {
        const bytes = runs ? await transform(engine, name, stylesheet, document.bytes, context) : document.bytes
        if (context.comparesPages) {
          const subject = { stylesheet, document: document.bytes, output: bytes, at: context.interval.endsAt }
          yield { ...document, bytes, page: runs ? await checkPage(engine, subject) : pageOfDocument(bytes) }
        } else {
          yield { ...document, bytes }
        }
        // What the officer's stylesheet makes of the document does not concern the list of files beside it.
        if (attachments) yield attachments
      }
    },
  }
}

export type XsltAdapterDefinition = {
  readonly name: string
  readonly profile: Adapter['profile']
  readonly version: string
  readonly extension: string
  /** The stylesheet used when the officer has given none. */
  readonly stylesheet: URL
  /** The stylesheet copies its input, so there is no need to run it. */
  readonly stylesheetIsIdentity: boolean
}

const PROFILES: Readonly<Record<Adapter['profile'], Profile>> = {
  'strict-2013': strictProfile,
  'extended-1': extendedProfile,
}

type PackedDocument = { readonly document: ExportFile; readonly attachments: ExportFile | undefined }

type OpenDocument = {
  readonly name: string
  readonly room: RoomSlice['room'] | undefined
  readonly document: ConversationsDocument
  readonly attachments: AttachmentsDocument | undefined
  events: number
  weight: number
}

async function* documents(
  slices: AsyncIterable<RoomSlice>,
  options: AdapterOptions,
  context: ExportContext,
  profile: Profile,
  nameOf: (number: number, roomName?: string) => string,
): AsyncGenerator<PackedDocument> {
  const { eventsPerFileMax, oneChatRoomPerOutputFile } = options
  let open: OpenDocument | undefined
  let number = 0

  const begin = (room?: RoomSlice['room']): OpenDocument => {
    number += 1
    const name = nameOf(number, oneChatRoomPerOutputFile ? room?.name : undefined)
    const attachments = options.createFileAttachmentsManifest
      ? openAttachmentsDocument(name, options, context)
      : undefined
    return { name, room, document: profile.open(options, context), attachments, events: 0, weight: 0 }
  }
  const finish = ({ name, document, attachments, events }: OpenDocument): PackedDocument => ({
    document: { name, role: 'document', bytes: document.finish(), events },
    attachments: attachments?.finish(),
  })

  for await (const slice of slices) {
    const shown = shownOf(slice, profile)
    if (!shown) continue
    const weight = weightOf(shown, profile)
    const mustSplit = (at: OpenDocument) =>
      at.weight + weight > eventsPerFileMax || (oneChatRoomPerOutputFile && at.room?.uri !== slice.room.uri)
    if (open && mustSplit(open)) {
      yield finish(open)
      open = undefined
    }
    open ??= begin(slice.room)
    open.document.add(shown)
    open.attachments?.add(shown)
    open.events += shown.events.length
    open.weight += weight
  }
  if (open) yield finish(open)
  else if (number === 0) yield finish(begin())
}

/** The slice without what the profile leaves out, or undefined when nothing would be left to show. */
function shownOf(slice: RoomSlice, profile: Profile): RoomSlice | undefined {
  const events = slice.events.filter((event) => profile.includesKind(event.kind))
  return events.length > 0 || profile.showsRosters ? { ...slice, events } : undefined
}

function weightOf({ events, slice, last, rosterAtStart, rosterAtEnd }: RoomSlice, profile: Profile): number {
  const weight = events.reduce((sum, event) => sum + eventWeight(event), 0)
  if (!profile.showsRosters) return weight
  return weight + (slice === 1 ? rosterAtStart.length : 0) + (last ? rosterAtEnd.length : 0)
}

/** `<stem>-0001.xml`, or `<stem>-0001-<room>.xml`. The number makes it unique, whatever the room is called. */
function fileName(
  stem: string,
  { number, roomName }: { number: number; roomName: string | undefined },
  extension: string,
): string {
  const room = roomName === undefined ? '' : `-${safeFileNamePart(roomName)}`
  return `${stem}-${String(number).padStart(4, '0')}${room}.${extension}`
}

/** Officers pick files up with tools of every age, on every kind of share. */
function safeFileNamePart(text: string): string {
  const safe = text.replace(/[^A-Za-z0-9._-]+/g, '_').replace(/\.{2,}/g, '.')
  return safe.slice(0, 80).replace(/[. ]+$/, '') || 'room'
}

async function transform(
  engine: XsltEngine,
  adapter: string,
  stylesheet: string,
  xml: Uint8Array,
  { interval }: ExportContext,
): Promise<Uint8Array> {
  try {
    return await engine.transform(stylesheet, xml, { at: interval.endsAt })
  } catch (error) {
    if (!(error instanceof StylesheetError)) throw error
    const { message: problem, diagnostics, hint } = error
    throw new StylesheetError({ adapter, problem, diagnostics, hint, cause: error })
  }
}
