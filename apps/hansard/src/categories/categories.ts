import { AddCategoryRequest, type AdminReplyOf, Category, ChangeCategoryRequest } from '@hansard/admin-contract'
import { z } from 'zod'
import { allPages, openAdmin } from '../cli/admin-client.ts'
import { answer, type ExitCode, type Io } from '../cli/io.ts'
import { optionName } from '../cli/option-names.ts'
import { type GivenOptions, valuesOf } from '../cli/schema-options.ts'
import { onOrOff, properties, shownProperties, table } from '../cli/table.ts'
import { type PoolOptions, somethingNamed } from '../cli/verb.ts'

/** The switches of a category, in the contract's order: each is a column of its own. */
const SWITCHES = Object.entries(Category.shape)
  .filter(([, type]) => type instanceof z.ZodBoolean)
  .map(([key]) => key as 'invitations' | 'fileUpload' | 'chatHistory')

export async function addCategory(io: Io, name: string, options: PoolOptions & GivenOptions): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const body = { ...valuesOf(AddCategoryRequest, options, { name: 'left out' }), name }
  const category = await admin.ask('addCategory', { body })
  answer(io, options.json, category, () => describe(category))
  return 0
}

export async function listCategories(io: Io, options: PoolOptions): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const categories = await allPages(undefined, async (page) => {
    const reply = await admin.ask('listCategories', { query: page })
    return { entries: reply.categories, next: reply.next }
  })
  // A caller without a role is shown the name and the description only.
  const brief = categories.every(({ rooms }) => rooms === undefined)
  answer(io, options.json, { categories }, () =>
    brief && categories.length > 0
      ? table(
          ['CATEGORY', 'DESCRIPTION'],
          categories.map(({ name, description }) => [name, description]),
        )
      : table(
          [
            'CATEGORY',
            'ROOMS',
            ...SWITCHES.map((key) => optionName(key).replaceAll('-', ' ').toUpperCase()),
            'DESCRIPTION',
          ],
          categories.map((category) => [
            category.name,
            category.rooms ?? '',
            ...SWITCHES.map((key) => onOrOff(category[key] ?? false)),
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

export async function setCategory(io: Io, category: string, options: PoolOptions & GivenOptions): Promise<ExitCode> {
  const body = somethingNamed(valuesOf(ChangeCategoryRequest, options), 'categories set')
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
  return properties(shownProperties(category, optionName, onOrOff))
}
