import type { AdminReplyOf } from '@hansard/admin-contract'
import { allPages, openAdmin } from '../cli/admin-client.ts'
import { misused } from '../cli/command-failure.ts'
import { answer, type ExitCode, type Io } from '../cli/io.ts'
import { properties, table } from '../cli/table.ts'
import { isOn, listChange, type PoolOptions, said } from '../cli/verb.ts'

export type AddCategoryOptions = PoolOptions & {
  readonly description?: string
  readonly invitations: boolean
  readonly fileUpload: boolean
  readonly history: boolean
  readonly allowed: readonly string[]
  readonly denied: readonly string[]
  readonly creator: readonly string[]
}

export async function addCategory(io: Io, name: string, options: AddCategoryOptions): Promise<ExitCode> {
  const { description, invitations, fileUpload, history } = options
  const admin = await openAdmin(io, options)
  const category = await admin.ask('addCategory', {
    body: {
      name,
      invitations,
      fileUpload,
      chatHistory: history,
      ...said({
        description,
        allowed: [...options.allowed],
        denied: [...options.denied],
        creators: [...options.creator],
      }),
    },
  })
  answer(io, options.json, category, () => describe(category))
  return 0
}

export async function listCategories(io: Io, options: PoolOptions): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const categories = await allPages(undefined, async (page) => {
    const reply = await admin.ask('listCategories', { query: page })
    return { entries: reply.categories, next: reply.next }
  })
  // Of categories that this person may only make rooms in no more is told.
  const brief = categories.every(({ rooms }) => rooms === undefined)
  answer(io, options.json, { categories }, () =>
    brief && categories.length > 0
      ? table(
          ['CATEGORY', 'DESCRIPTION'],
          categories.map(({ name, description }) => [name, description]),
        )
      : table(
          ['CATEGORY', 'ROOMS', 'INVITATIONS', 'FILE UPLOAD', 'HISTORY', 'DESCRIPTION'],
          categories.map((category) => [
            category.name,
            category.rooms ?? '',
            shownSwitch(category.invitations ?? false),
            shownSwitch(category.fileUpload ?? false),
            shownSwitch(category.chatHistory ?? false),
            category.description,
          ]),
        ),
  )
  return 0
}

export async function showCategory(io: Io, category: string, options: PoolOptions): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const shown = await admin.ask('showCategory', { parts: { category } })
  answer(io, options.json, shown, () => describe(shown))
  return 0
}

type Lists = { readonly [K in `${'add' | 'remove'}${'Allowed' | 'Denied' | 'Creator'}`]: readonly string[] } & {
  readonly [K in `clear${'Allowed' | 'Denied' | 'Creators'}`]: boolean
}
export type SetCategoryOptions = PoolOptions &
  Lists & {
    readonly name?: string
    readonly description?: string
    readonly invitations?: 'on' | 'off'
    readonly fileUpload?: 'on' | 'off'
    readonly history?: 'on' | 'off'
  }

export async function setCategory(io: Io, category: string, options: SetCategoryOptions): Promise<ExitCode> {
  const body = said({
    name: options.name,
    description: options.description,
    invitations: isOn(options.invitations),
    fileUpload: isOn(options.fileUpload),
    chatHistory: isOn(options.history),
    allowed: listChange(options.addAllowed, options.removeAllowed, options.clearAllowed),
    denied: listChange(options.addDenied, options.removeDenied, options.clearDenied),
    creators: listChange(options.addCreator, options.removeCreator, options.clearCreators),
  })
  if (Object.keys(body).length === 0) {
    throw misused('Nothing to change was named.', 'See `hansard categories set --help`.')
  }
  const admin = await openAdmin(io, options)
  const changed = await admin.ask('changeCategory', { parts: { category }, body })
  answer(io, options.json, changed, () => describe(changed))
  return 0
}

export async function removeCategory(io: Io, category: string, options: PoolOptions): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const removed = await admin.ask('removeCategory', { parts: { category } })
  answer(io, options.json, removed, () => `${category} has been removed.\n`)
  return 0
}

function describe(category: AdminReplyOf<'showCategory'>): string {
  const names = (entries: readonly { uri: string }[]) => entries.map(({ uri }) => uri)
  return properties([
    ['name', category.name],
    ['uri', category.uri],
    ['description', category.description],
    ['rooms', category.rooms],
    ['invitations', shownSwitch(category.invitations)],
    ['file upload', shownSwitch(category.fileUpload)],
    ['history', shownSwitch(category.chatHistory)],
    ['allowed', names(category.allowed)],
    ['denied', names(category.denied)],
    ['creators', names(category.creators)],
  ])
}

function shownSwitch(on: boolean): string {
  return on ? 'on' : 'off'
}
