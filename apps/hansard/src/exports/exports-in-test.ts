import { hash } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { genesisHead, leafOf, nextHead, type SourceState } from '@hansard/compliance-event'
import {
  type AddendumSource,
  chainLine,
  emptyCounts,
  encodeManifest,
  type Fork,
  hasIncarnations,
  type IntervalSource,
  MANIFEST_FORMAT,
  type Manifest,
  type ManifestFile,
  manifestInterval,
  rangesOf,
} from '@hansard/evidence'

/**
 * Sealed exports as a compliance worker leaves them, made from a few lines of script. What the worker itself writes is
 * verified in its own tests; here every situation is needed, also those that take a broken disk to come about.
 */
const T0 = Date.UTC(2026, 10, 20)
const MINUTE = 60_000

type Link = { text: string; leaf: string; head: string }
type ScriptedSource = { source: string; epoch: number; incarnation: string; links: Link[]; through: number }

type IntervalPart = { through: number; quarantined?: number[]; state?: SourceState }
export type SealedExport = { stem: string; manifest: string; chain: string; documents: string[] }

type SeriesOptions = {
  readonly adapter?: string
  /** the manifest's, by the export's number */
  readonly formatOf?: (number: number) => Manifest['format']
  /** uploads an export of at least so many events tells and lists; only where its format can */
  readonly transfers?: number
  /** the record series: its documents hold the texts; all of them chats */
  readonly record?: boolean
}

export async function exportSeries(
  directory: string,
  {
    record = false,
    adapter = record ? 'record' : 'xml',
    formatOf = () => MANIFEST_FORMAT,
    transfers = 0,
  }: SeriesOptions = {},
) {
  await mkdir(directory, { recursive: true })
  const sources = new Map<string, ScriptedSource>()
  const sealed: SealedExport[] = []
  let number = 0
  let interval = 0
  let previousManifestSha256: string | null = null

  function sourceOf(name: string): ScriptedSource {
    const known = sources.get(name)
    if (known) return known
    const {
      source,
      epoch,
      incarnation = '',
    } = /^(?<source>.*?)\/(?<epoch>\d+)(?:\/(?<incarnation>[0-9a-f]{32}))?$/s.exec(name)!.groups as {
      source: string
      epoch: string
      incarnation?: string
    }
    const made = { source, epoch: Number(epoch), incarnation, links: [], through: 0 }
    sources.set(name, made)
    return made
  }
  function linkOf(source: ScriptedSource, seq: number): Link {
    for (let next = source.links.length + 1; next <= seq; next++) {
      const { source: name, epoch, incarnation } = source
      const text = JSON.stringify({ kind: 'chat', source: name, epoch, ...(incarnation && { incarnation }), seq: next })
      const leaf = leafOf(text)
      source.links.push({ text, leaf, head: nextHead(headOf(source, next - 1), leaf) })
    }
    return source.links[seq - 1]!
  }
  function headOf(source: ScriptedSource, seq: number): string {
    return seq === 0 ? genesisHead(source.source, source.epoch, source.incarnation) : linkOf(source, seq).head
  }

  async function seal(
    body: { kind: 'interval'; sources: IntervalSource[] } | { kind: 'addendum'; sources: AddendumSource[] },
    startsAt: number,
    lines: string[],
    texts: string[],
    { omitted = 0, forks = [] }: { omitted?: number; forks?: Fork[] } = {},
  ): Promise<SealedExport> {
    number += 1
    const bounds = { startsAt, endsAt: startsAt + MINUTE }
    const compact = (at: number) => new Date(at).toISOString().replace(/[-:]|\.000/g, '')
    const stem = `${compact(bounds.startsAt)}_${compact(bounds.endsAt)}${body.kind === 'addendum' ? `_addendum-${number}` : ''}`
    const total = body.sources.reduce((sum, part) => sum + part.count, 0)
    const files: ManifestFile[] = []
    const put = async (name: string, role: ManifestFile['role'], content: string | Uint8Array, events: number) => {
      await writeFile(join(directory, name), content)
      const size = Buffer.byteLength(content)
      files.push({ name, role, size, sha256: hash('sha256', content, 'hex'), events })
    }
    const half = Math.floor((total - omitted) / 2)
    const documents = [1, 2].map((part) => `${stem}-000${part}.${record ? 'jsonl.gz' : 'xml'}`)
    for (const [index, name] of documents.entries()) {
      const held = index === 0 ? texts.slice(0, half) : texts.slice(half)
      const shown = index === 0 ? half : total - omitted - half
      const content = record
        ? gzipSync(held.map((text) => `${text}\n`).join(''))
        : `<Conversations export="${number}" part="${index + 1}"/>\n`
      await put(name, 'document', content, shown)
    }
    const format = formatOf(number)
    const uploads = format === 'hansard-manifest/1' || total - omitted < transfers ? 0 : transfers
    if (uploads > 0) await put(`${stem}-0001.xml.ATTACH`, 'attachments', `<Attachments export="${number}"/>\n`, uploads)
    await put(`${stem}.chain.txt`, 'chain', lines.join(''), lines.length)
    const text = encodeManifest({
      format,
      pool: 'fourth-coffee',
      adapter: {
        name: adapter,
        type: record ? 'record' : 'xml',
        profile: record ? 'record-1' : 'strict-2013',
        version: '1',
        engine: 'libxslt 1.1.43',
        stylesheetSha256: hash('sha256', 'identity', 'hex'),
      },
      options: {
        addUserDetails: true,
        createFileAttachmentsManifest: uploads > 0,
        eventsPerFileMax: 10_000,
        oneChatRoomPerOutputFile: false,
      },
      number,
      interval: manifestInterval(bounds),
      files,
      counts: { ...emptyCounts(), chat: total - omitted - uploads, 'file-upload': uploads, backchat: omitted, total },
      omitted: omitted > 0 ? { backchat: omitted } : {},
      forks,
      previousManifestSha256,
      ...body,
    })
    await writeFile(join(directory, `${stem}.manifest.json`), text)
    previousManifestSha256 = hash('sha256', text, 'hex')
    const result = {
      stem,
      manifest: `${stem}.manifest.json`,
      chain: `${stem}.chain.txt`,
      documents,
    }
    sealed.push(result)
    return result
  }

  /** of the next export's lines */
  const shown = (incarnation: string) => (hasIncarnations(formatOf(number + 1)) ? incarnation : undefined)
  const byName = ([a]: [string, unknown], [b]: [string, unknown]) => (a < b ? -1 : 1)

  return {
    directory,
    sealed,
    /** What a source has recorded before this series began. */
    startsAfter(name: string, seq: number): void {
      sourceOf(name).through = seq
    },
    skipNumbers(count: number): void {
      number += count
      interval += count
      previousManifestSha256 = hash('sha256', 'what was sealed before', 'hex')
    },
    async interval(
      parts: Record<string, IntervalPart>,
      { omitted = 0, forks = [] }: { omitted?: number; forks?: Fork[] } = {},
    ): Promise<SealedExport> {
      const listed: IntervalSource[] = []
      const lines: string[] = []
      const texts: string[] = []
      for (const [name, { through, quarantined = [], state = 'alive' }] of Object.entries(parts).sort(byName)) {
        const scripted = sourceOf(name)
        const { source, epoch, incarnation, through: after } = scripted
        for (let seq = after + 1; seq <= through; seq++) {
          const { text, leaf, head } = linkOf(scripted, seq)
          const quarantinedHead = quarantined.includes(seq) ? head : undefined
          if (quarantinedHead === undefined) texts.push(text)
          lines.push(chainLine({ source, epoch, incarnation: shown(incarnation), seq, leaf, quarantinedHead }))
        }
        listed.push({
          source,
          epoch,
          incarnation,
          state,
          first: through === after ? 0 : after + 1,
          last: through,
          count: through - after - quarantined.length,
          headBefore: headOf(scripted, after),
          head: headOf(scripted, through),
          quarantined,
        })
        scripted.through = through
      }
      interval += 1
      return seal({ kind: 'interval', sources: listed }, T0 + (interval - 1) * MINUTE, lines, texts, {
        omitted,
        forks,
      })
    },
    /** `next`: the numbers continue the source's; otherwise they were in quarantine. */
    async addendum(parts: Record<string, number[]>, { of = 1, next = false } = {}): Promise<SealedExport> {
      const listed: AddendumSource[] = []
      const lines: string[] = []
      const texts: string[] = []
      for (const [name, seqs] of Object.entries(parts).sort(byName)) {
        const scripted = sourceOf(name)
        const { source, epoch, incarnation } = scripted
        for (const seq of seqs) {
          const { text, leaf } = linkOf(scripted, seq)
          texts.push(text)
          lines.push(chainLine({ source, epoch, incarnation: shown(incarnation), seq, leaf }))
        }
        listed.push({ source, epoch, incarnation, seqs: rangesOf(seqs), count: seqs.length, quarantined: [] })
        if (next) scripted.through = seqs.at(-1)!
      }
      return seal({ kind: 'addendum', sources: listed }, T0 + (of - 1) * MINUTE, lines, texts)
    },
  }
}

/** Rewrites a manifest as somebody would who knows the format: the hash at its end is right again. */
export async function forge(path: string, change: (manifest: Manifest) => void): Promise<void> {
  const { contentSha256: _, ...manifest } = JSON.parse(await readFile(path, 'utf8'))
  change(manifest)
  await writeFile(path, encodeManifest(manifest))
}
