import { hash } from 'node:crypto'
import { encodePoolManifest, manifestInterval, POOL_MANIFEST_FORMAT, poolManifestStatement } from '@hansard/evidence'
import { formatVerifierKey, newSigningKeys, signNote } from '@hansard/signing'
import { appendAudit, auditHead } from '@hansard/staging'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { type AdminInTest, openAdminInTest } from './admin-in-test.ts'

const KEYS = newSigningKeys('hansard/test')
const STRANGER = newSigningKeys('hansard/test')
const NAME = 'pool-20261120T231500Z_20261120T231600Z'
const INTERVAL = { startsAt: Date.UTC(2026, 10, 20, 23, 15), endsAt: Date.UTC(2026, 10, 20, 23, 16) }

let test: AdminInTest
let token: string
beforeAll(async () => {
  test = await openAdminInTest()
  token = await test.signIn()
})
afterAll(() => test?.close())
beforeEach(async () => {
  await test.complianceDb.knex('pool_manifest').delete()
  await appendAudit(test.complianceDb.knex, { at: 1, actor: 'ann', action: 'show', object: 'xml/1', detail: {} })
})

const verify = () => test.done('verifyAudit', { token })
/** The pool manifest of an interval, as a worker seals it. */
async function seal(keys = KEYS, change: (row: { files: string }) => object = () => ({})) {
  const audit = (await auditHead(test.complianceDb))!
  const key = formatVerifierKey(keys.signing.verifier)
  const content = encodePoolManifest({
    format: POOL_MANIFEST_FORMAT,
    pool: 'test',
    number: 1,
    interval: manifestInterval(INTERVAL),
    series: [],
    sources: [],
    tree: { size: 0, root: Buffer.alloc(32).toString('base64') },
    audit,
    key,
    previousPoolManifestSha256: null,
  })
  const sha256 = hash('sha256', content, 'hex')
  const note = signNote(poolManifestStatement(`${NAME}.json`, sha256), keys.signing)
  const row = {
    number: 1,
    state: 'sealed',
    tree_size: 0,
    tree_roots: '[]',
    manifest_sha256: sha256,
    audit_number: audit.number,
    audit_head: audit.head,
    files: JSON.stringify([
      { name: `${NAME}.note`, content: note },
      { name: `${NAME}.json`, content },
    ]),
    planned_at: 1,
  }
  const stored = { ...row, ...change(row) }
  await test.complianceDb.knex('pool_manifest').insert(stored)
  return { ...audit, key }
}

it('compares the audit trail with the heads in signed pool manifests, and says who signed them', async () => {
  expect((await verify()).signed).toEqual({ heads: 0, keys: [], newest: null })

  const { number, head, key } = await seal()

  const verdict = await verify()
  expect(verdict.problem).toBeNull()
  expect(verdict.records).toBeGreaterThan(number)
  const newest = { number, head, key, interval: 1, at: '2026-11-20T23:16:00.000Z' }
  expect(verdict.signed).toEqual({ heads: 1, keys: [key], newest })
})

it('shows the key of a stranger', async () => {
  const { key } = await seal(STRANGER)

  expect((await verify()).signed.keys).toEqual([key])
})

it.each([
  ['another head beside its texts', () => ({ audit_head: 'a'.repeat(64) })],
  ['no texts', () => ({ files: '[]' })],
  [
    'a text that was altered',
    ({ files }: { files: string }) => ({ files: files.replace('\\"size\\": 0', '\\"size\\": 1') }),
  ],
])('names a pool manifest with %s', async (_, change) => {
  const { number } = await seal(KEYS, change)

  const message = 'The pool manifest of interval 1 in the compliance database is not the one that was signed.'
  expect((await verify()).problem).toEqual({ what: 'unexpected', number, message })
})
