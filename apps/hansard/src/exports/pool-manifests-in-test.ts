import { hash } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  encodePoolManifest,
  type Manifest,
  POOL_MANIFEST_FORMAT,
  type PoolSeriesEntry,
  poolManifestStatement,
} from '@hansard/evidence'
import {
  addLeaf,
  EMPTY_TREE,
  formatCheckpoint,
  formatVerifierKey,
  leafHash,
  readSuccession,
  rootOf,
  type SigningKeys,
  signNote,
} from '@hansard/signing'
import { exportSeries } from './exports-in-test.ts'

export type SignedPool = {
  readonly directory: string
  /** of the pool manifests, without their ending */
  readonly stems: readonly string[]
}

type Change = (manifest: Parameters<typeof encodePoolManifest>[0]) => void

/**
 * Two series of five intervals each, and the pool manifests of four of them: the last exports are not signed yet.
 * `keysOf` says what an interval is signed with.
 */
export async function signedPool(directory: string, keysOf: (number: number) => SigningKeys): Promise<SignedPool> {
  const names = ['more', 'xml']
  for (const adapter of names) {
    const series = await exportSeries(join(directory, adapter), { adapter })
    for (const through of [3, 7, 7, 11, 13])
      await series.interval({
        'chat-1/1': { through },
        'chat 2 é/1': { through: 2, quarantined: through === 3 ? [1] : [] },
      })
  }
  return signPool(directory, names, keysOf)
}

/** Writes the pool manifests of the series that are there, as somebody would who has a key. */
export async function signPool(
  directory: string,
  adapters: readonly string[],
  keysOf: (number: number) => SigningKeys,
  change: Change = () => {},
): Promise<SignedPool> {
  await mkdir(join(directory, 'pool', 'keys'), { recursive: true })
  const put = (name: string, content: string) => writeFile(join(directory, 'pool', name), content)
  const stems: string[] = []
  let tree = EMPTY_TREE
  let previousPoolManifestSha256: string | null = null
  for (let number = 1; number <= 4; number++) {
    const at = `20261120T000${number - 1}00Z_20261120T000${number}00Z`
    const series: PoolSeriesEntry[] = []
    let manifest: Manifest | undefined
    for (const adapter of adapters) {
      const name = `${at}.manifest.json`
      const text = await readFile(join(directory, adapter, name), 'utf8')
      manifest = JSON.parse(text) as Manifest
      const entry = { adapter, directory: adapter, state: 'active', complete: true } as const
      series.push({ ...entry, number, manifest: name, sha256: hash('sha256', text, 'hex') })
    }
    for (const line of (await readFile(join(directory, adapters[0]!, `${at}.chain.txt`), 'utf8')).split('\n'))
      if (line !== '') tree = addLeaf(tree, leafHash(line))
    const { signing, successions } = keysOf(number)
    const root = rootOf(tree)
    const pool = {
      format: POOL_MANIFEST_FORMAT,
      pool: 'fourth-coffee',
      number,
      interval: manifest!.interval,
      series,
      sources: [],
      tree: { size: tree.size, root: Buffer.from(root).toString('base64') },
      key: formatVerifierKey(signing.verifier),
      previousPoolManifestSha256,
    } as Parameters<typeof encodePoolManifest>[0]
    change(pool)
    const text = encodePoolManifest(pool)
    const stem = `pool-${at}`
    const sha256 = hash('sha256', text, 'hex')
    await put(`keys/${signing.verifier.id}.pub`, `${pool.key}\n`)
    for (const note of successions) await put(`keys/${readSuccession(note)!.to.id}.succession`, note)
    const checkpoint = { origin: signing.verifier.name, size: tree.size, root }
    await put(`${stem}.checkpoint`, signNote(formatCheckpoint(checkpoint), signing))
    await put(`${stem}.note`, signNote(poolManifestStatement(`${stem}.json`, sha256), signing))
    await put(`${stem}.json`, text)
    previousPoolManifestSha256 = sha256
    stems.push(stem)
  }
  return { directory, stems }
}
