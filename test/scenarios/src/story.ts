import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ManualClock } from '@hansard/clock'
import { startStandardEdition } from '@hansard/hansard'
import { silentLog } from '@hansard/log'
import { type Admin, openAdmin } from '@hansard/test-pool'
import { type Account, CAST, DOMAIN, emailOf } from './cast.ts'
import { compareWithGolden, type Documents, verifyExports } from './golden-exports.ts'
import { paced, type ScenarioPerson, signInPerson } from './person.ts'
import { seedIds } from './seeded-ids.ts'

const SETUP_AT = Date.UTC(2026, 10, 20, 8, 55)
const INTERVAL_AT = Date.UTC(2026, 10, 20, 9)
const STORY_AT = Date.UTC(2026, 10, 20, 9, 1)
const HOUR_MS = 3_600_000
const ADAPTERS = ['xml', 'xml-extended'] as const

/** A pool ready for a story. It is 9:01 in the morning, and every action takes a second. */
type Story = AsyncDisposable & {
  readonly server: string
  /** The admin API as Ida Novak, the pool's administrator. */
  readonly ida: Admin
  /** The admin API as another user. */
  adminAs(account: Account): Promise<Admin>
  signIn(account: Account): Promise<ScenarioPerson>
  now(): number
  /** Advances the clock. */
  later(by: { seconds?: number; minutes?: number }): void
  /**
   * Closes the interval of the story. Its documents must equal, byte for byte, those in
   * `fixtures/golden/scenarios/<name>`, and all exports must pass verification.
   */
  seal(): Promise<Sealed>
}

type Sealed = {
  /** the strict document of 2013 and the extended one, as text; several are concatenated */
  readonly strict: string
  readonly extended: string
  readonly attachments: string
  /** how many events of each kind the strict export contains and omits, from its manifest */
  readonly counts: Readonly<Record<string, number>>
  readonly omitted: Readonly<Record<string, number>>
}

export async function startStory(
  name: string,
  /** `clamd`: address of the virus scanner */
  { clamd }: { readonly clamd?: string } = {},
): Promise<Story> {
  await using stack = new AsyncDisposableStack()
  const restoreIds = seedIds()
  stack.defer(restoreIds)
  const clock = new ManualClock(SETUP_AT)
  const data = await mkdtemp(join(tmpdir(), 'hansard-story-'))
  stack.defer(() => rm(data, { recursive: true, force: true }))
  await writeFile(join(data, 'adapters.json'), JSON.stringify(ADAPTERS.map(adapterSetting)))
  const pool = await startStandardEdition(
    {
      data,
      port: 0,
      host: '127.0.0.1',
      runIntervalMs: HOUR_MS,
      domain: DOMAIN,
      pool: 'fourth-coffee',
      // The pool generates a key: nobody waits for the stretching of a password.
      operatorPassword: undefined,
      logLevel: 'silent',
      complianceThread: false,
      clamd,
    },
    { clock, log: silentLog },
  )
  stack.use(pool)
  const { server } = pool.urls
  const operator = await openAdmin(server, pool.oneTimePassword!)
  const users = CAST.map((one) => ({ ...one, roles: [...('roles' in one ? one.roles : [])], email: emailOf(one) }))
  const { users: added } = await operator.ask('addUsers', {
    users: users.map((user) => ({ ...user, generateKey: true })),
  })
  const keyOf = (account: Account) => added.find((user) => user.account === account)!.key!

  /** The pool runs on this clock: advances it in steps until the requested work is done. */
  const untilDone = async <T>(look: () => Promise<T | undefined>): Promise<T> => {
    for (;;) {
      const found = await look()
      if (found !== undefined) return found
      clock.advance({ ms: 250 })
    }
  }
  // The setup is in the interval before the story's.
  clock.advance({ ms: INTERVAL_AT - clock.now() })
  await untilDone(async () => {
    const { exports } = await operator.ask('listExports')
    const sealed = exports.filter(({ state }) => state === 'sealed')
    // And the record series, which every pool has.
    return sealed.length === ADAPTERS.length + 1 ? sealed : undefined
  })
  clock.advance({ ms: STORY_AT - clock.now() })

  const pass = () => clock.advance({ seconds: 1 })
  const adminAs = async (account: Account) => paced(await openAdmin(server, keyOf(account), account), pass)
  const ida = await adminAs('ida')
  const held = stack.move()
  return {
    server,
    ida,
    adminAs,
    now: () => clock.now(),
    later: (by) => clock.advance(by),
    async signIn(account) {
      const person = await signInPerson({ server, account, password: keyOf(account) }, { pass })
      held.defer(() => person.close())
      return person
    },
    async seal() {
      pass()
      const { request } = await operator.ask('seal')
      await untilDone(async () => {
        const state = await operator.ask('request', undefined, { id: request })
        if (state.state === 'failed') throw new Error(`The interval was not sealed: ${state.reason}`)
        return state.state === 'done' ? state : undefined
      })
      const { exports } = await operator.ask('listExports')
      const [strict, extended] = await Promise.all(
        ADAPTERS.map(async (adapter) => {
          const { number } = exports.find((one) => one.adapter === adapter)!
          const { files, directory, manifest } = await operator.ask('showExport', undefined, { adapter, number })
          const wanted = files.filter(({ role }) => role === 'document' || role === 'attachments')
          const read = (file: string) => readFile(join(directory, file), 'utf8')
          const documents: Documents = Object.fromEntries(
            await Promise.all(wanted.map(async (file) => [file.name, await read(file.name)] as const)),
          )
          compareWithGolden(name, adapter, documents)
          return { documents, manifest: JSON.parse(await read(manifest!)) }
        }),
      )
      await verifyExports(pool.exports)
      return {
        strict: textOf(strict!.documents, (file) => !file.endsWith('.ATTACH')),
        extended: textOf(extended!.documents, (file) => !file.endsWith('.ATTACH')),
        attachments: textOf(extended!.documents, (file) => file.endsWith('.ATTACH')),
        counts: strict!.manifest.counts,
        omitted: strict!.manifest.omitted,
      }
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

function adapterSetting(name: (typeof ADAPTERS)[number]): object {
  return { name, adapter: name, addUserDetails: true, addChatRoomDetails: true, createFileAttachmentsManifest: true }
}

function textOf(documents: Documents, wanted: (file: string) => boolean): string {
  return Object.entries(documents)
    .filter(([file]) => wanted(file))
    .map(([, text]) => text)
    .join('')
}
