import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import {
  ADAPTER_TYPES,
  type Adapter,
  type AdapterSetting,
  directoryProblem,
  RECORD_SERIES,
  type RecordAdapter,
} from '@hansard/adapter'
import { record } from '@hansard/adapter-record'
import { xml, xmlExtended } from '@hansard/adapter-xml'
import { decodeText } from '@hansard/config'
import { z } from 'zod'

/** The adapters of this program. The worker registers adapters, so it alone may import them. */
export const ADAPTERS: ReadonlyMap<string, Adapter | RecordAdapter> = new Map(
  [xml, xmlExtended, record].map((adapter) => [adapter.name, adapter]),
)

const OPTIONS = {
  oneChatRoomPerOutputFile: false,
  addChatRoomDetails: false,
  addUserDetails: false,
  createFileAttachmentsManifest: false,
  eventsPerFileMax: 10_000,
}

export const DEFAULT_ADAPTERS: readonly AdapterSetting[] = [{ name: 'xml', adapter: 'xml', ...OPTIONS }]

/** Every pool has it beside the configured adapters, and nobody can change or remove it. */
export const RECORD_SETTING: AdapterSetting = { name: RECORD_SERIES, adapter: RECORD_SERIES, ...OPTIONS }

const Setting = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'takes lower-case letters, digits, dot, dash and underscore')
    .refine((name) => name !== RECORD_SERIES, `is not ${RECORD_SERIES}: every pool has a series of that name`),
  adapter: z.enum(ADAPTER_TYPES),
  stylesheet: z.string().optional(),
  stylesheetPath: z.string().optional(),
  outputDirectory: z.string().min(1).optional(),
  oneChatRoomPerOutputFile: z.boolean().default(false),
  addChatRoomDetails: z.boolean().default(false),
  addUserDetails: z.boolean().default(false),
  createFileAttachmentsManifest: z.boolean().default(false),
  eventsPerFileMax: z.number().int().min(1).max(100_000).default(10_000),
  stopWhenIncomplete: z.boolean().optional(),
})

/**
 * Reads the adapters file: a JSON array. `where` is the file's path, used in messages and to resolve relative
 * stylesheet paths. Throws an error that names the entry and the problem.
 */
export function parseAdapterSettings(text: string, where: string): AdapterSetting[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new Error(`${where} is not JSON: ${(error as Error).message}`)
  }
  const parsed = z.array(Setting).min(1, 'names no adapter: nothing would be exported').safeParse(value)
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!
    throw new Error(`${where}: ${path.length === 0 ? 'the file' : path.join('.')} ${message}`)
  }
  const names = parsed.data.map((setting) => setting.name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined)
    throw new Error(`${where}: two adapters are called ${twice}; their exports could not be told apart.`)
  const problem = directoryProblem([RECORD_SETTING, ...parsed.data])
  if (problem !== undefined) throw new Error(`${where}: ${problem}`)
  return parsed.data.map(({ stylesheetPath, ...setting }) => {
    if (stylesheetPath === undefined) return setting
    if (setting.stylesheet !== undefined)
      throw new Error(`${where}: ${setting.name} has both a stylesheet and a stylesheetPath.`)
    return { ...setting, stylesheet: readStylesheet(resolve(dirname(where), stylesheetPath), setting.name) }
  })
}

function readStylesheet(path: string, name: string): string {
  let bytes: Uint8Array
  try {
    bytes = readFileSync(path)
  } catch (error) {
    throw new Error(`The stylesheet of ${name} cannot be read: ${(error as Error).message}`)
  }
  return decodeText(bytes, { what: `The stylesheet of ${name}, ${path},` })
}
