import { isAbsolute, join, relative, resolve, sep } from 'node:path'
import { RUN_INTERVAL_MAX_MS, RUN_INTERVAL_MIN_MS } from '@hansard/conversation'
import { RECORD_SERIES } from './record-adapter.ts'

/**
 * The compliance configuration: what a pool exports, as operators set it while the pool runs.
 *
 * These rules are pure, so the admin API refuses exactly what the worker could not use. A configuration is one
 * adapter. `global` also sets the length of an interval, because all adapters of a pool share its intervals.
 */
export type ComplianceConfiguration = { readonly identity: string; readonly settings: ComplianceSettings }

/**
 * The original's names in camel case. An absent member takes the value of `global` (flags, type, size), or the
 * default.
 */
export type ComplianceSettings = {
  /**
   * names the adapter's directory and its exports; `xml` for `global`, otherwise the part of the identity after the
   * colon
   */
  readonly adapterName?: string | undefined
  readonly adapterType?: string | undefined
  /** below the worker's output directory, or absolute where the operating system's operator allows that */
  readonly adapterOutputDirectory?: string | undefined
  readonly addChatRoomDetails?: boolean | undefined
  readonly addUserDetails?: boolean | undefined
  readonly createFileAttachmentsManifest?: boolean | undefined
  /** text of an XSLT stylesheet */
  readonly customConfiguration?: string | undefined
  readonly oneChatRoomPerOutputFile?: boolean | undefined
  /** milliseconds; only in `global` */
  readonly runIntervalMs?: number | undefined
  readonly eventsPerFileMax?: number | undefined
  /** An export that does not show everything it counts is not sealed, and waits for another stylesheet. */
  readonly stopWhenIncomplete?: boolean | undefined
  /** milliseconds since 1970; a series without exports begins with the interval that holds this moment; never inherited */
  readonly exportFrom?: number | undefined
}

/** One adapter as configured. Several may run the same program with different stylesheets or options. */
export type AdapterSetting = {
  /** names its directory, its exports (`xml/12`) and its state; unique */
  readonly name: string
  readonly adapter: string
  /** text of the stylesheet; the adapter's own when absent */
  readonly stylesheet?: string | undefined
  /** the directory of its files; `<output directory>/<name>` when absent */
  readonly outputDirectory?: string | undefined
  readonly oneChatRoomPerOutputFile: boolean
  readonly addChatRoomDetails: boolean
  readonly addUserDetails: boolean
  readonly createFileAttachmentsManifest: boolean
  readonly eventsPerFileMax: number
  /** An export that does not show everything it counts is not sealed, and waits for another stylesheet. */
  readonly stopWhenIncomplete?: boolean | undefined
  /** a series without exports begins with the interval that holds this moment; otherwise with the one that closes next */
  readonly exportFrom?: number | undefined
}

/** Every adapter type that can be configured, by name. The worker registers them. */
export const ADAPTER_TYPES = ['xml', 'xml-extended'] as const

const DEFAULTS = {
  adapterType: 'xml',
  oneChatRoomPerOutputFile: false,
  addChatRoomDetails: false,
  addUserDetails: false,
  createFileAttachmentsManifest: false,
  eventsPerFileMax: 10_000,
  stopWhenIncomplete: false,
}

const IDENTITY = /^(?:global|(?:site|service|adapter):[^\s:][^\s]{0,254})$/
const ADAPTER_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/
const FOLDER = /^[A-Za-z0-9_-][A-Za-z0-9._ -]{0,127}$/
const EVENTS_PER_FILE_MAX = 100_000
const STYLESHEET_CHARACTERS_MAX = 1_048_576

/** The adapters that these configurations define, by name. */
export function adaptersOf(configurations: readonly ComplianceConfiguration[]): AdapterSetting[] {
  const inherited = given(configurations.find(({ identity }) => identity === 'global')?.settings ?? {})
  const adapters = configurations.map(({ identity, settings }) => {
    const { adapterType, oneChatRoomPerOutputFile, addChatRoomDetails, addUserDetails, ...rest } = {
      ...DEFAULTS,
      ...inherited,
      ...given(settings),
    }
    return {
      name: adapterNameOf({ identity, settings }),
      adapter: adapterType,
      // Stylesheet and directory are never inherited from another adapter.
      ...(settings.customConfiguration === undefined ? {} : { stylesheet: settings.customConfiguration }),
      ...(settings.adapterOutputDirectory === undefined ? {} : { outputDirectory: settings.adapterOutputDirectory }),
      oneChatRoomPerOutputFile,
      addChatRoomDetails,
      addUserDetails,
      createFileAttachmentsManifest: rest.createFileAttachmentsManifest,
      eventsPerFileMax: rest.eventsPerFileMax,
      ...(rest.stopWhenIncomplete ? { stopWhenIncomplete: true } : {}),
      ...(settings.exportFrom === undefined ? {} : { exportFrom: settings.exportFrom }),
    }
  })
  return adapters.sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** The configurations that define these adapters: the first becomes `global`. */
export function configurationsOf(adapters: readonly AdapterSetting[]): ComplianceConfiguration[] {
  return adapters.map(({ name, adapter, stylesheet, outputDirectory, ...options }, index) => ({
    identity: index === 0 ? 'global' : `adapter:${name}`,
    settings: {
      adapterName: name,
      adapterType: adapter,
      ...(stylesheet === undefined ? {} : { customConfiguration: stylesheet }),
      ...(outputDirectory === undefined ? {} : { adapterOutputDirectory: outputDirectory }),
      ...options,
    },
  }))
}

/**
 * Why these configurations, all of a pool, cannot be used; undefined when they can. Stylesheets are compiled
 * elsewhere; see `stylesheetProblem`.
 */
export function configurationsProblem(
  configurations: readonly ComplianceConfiguration[],
  allowed: AllowedDirectories,
): string | undefined {
  if (configurations.length === 0) return 'Without a compliance configuration nothing would be exported.'
  for (const configuration of configurations) {
    const problem = problemOf(configuration, allowed)
    if (problem !== undefined) return `${configuration.identity}: ${problem}`
  }
  const adapters = adaptersOf(configurations)
  const names = adapters.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) return `Two adapters are called ${twice}; their exports could not be told apart.`
  return directoryProblem([{ name: RECORD_SERIES }, ...adapters], allowed.outputDirectory)
}

/** The configured length of an interval, if any. */
export function runIntervalOf(configurations: readonly ComplianceConfiguration[]): number | undefined {
  return configurations.find(({ identity }) => identity === 'global')?.settings.runIntervalMs
}

export type AllowedDirectories = {
  /** the worker's; directories below it are always allowed. If unknown, only compared. */
  readonly outputDirectory?: string | undefined
  /** Absolute paths: the worker may write to these and below them. */
  readonly directoriesAllowed: readonly string[]
}

/** The directory of an adapter's files. */
export function directoryOf(
  { name, outputDirectory }: Pick<AdapterSetting, 'name' | 'outputDirectory'>,
  root: string,
): string {
  if (outputDirectory === undefined) return join(root, name)
  return isAbsolute(outputDirectory) ? outputDirectory : join(root, outputDirectory)
}

/**
 * Why files may not be written there; undefined when they may. A caller of the admin API must not be able to make the
 * worker write or remove files wherever its account may.
 */
export function outputDirectoryProblem(
  directory: string,
  { outputDirectory, directoriesAllowed }: AllowedDirectories,
): string | undefined {
  if (!isAbsolute(directory)) {
    return directory.split('/').every((folder) => FOLDER.test(folder))
      ? undefined
      : `${JSON.stringify(directory)} is no folder below the output directory: it takes letters, digits, dot, dash, underscore and blank, and no "..".`
  }
  const roots = outputDirectory === undefined ? directoriesAllowed : [outputDirectory, ...directoriesAllowed]
  if (!directory.includes('\0') && roots.some((root) => isIn(root, directory))) return undefined
  return `${JSON.stringify(directory)} is not allowed. Name a folder below the output directory, or have the path added to HANSARD_OUTPUT_DIRECTORIES_ALLOWED.`
}

/**
 * Two adapters in one directory would replace each other's sealed files, which are named after the same interval.
 * Names the two; undefined when all differ. Without the common output directory, only adapters with a directory of
 * their own are compared.
 */
export function directoryProblem(
  settings: readonly Pick<AdapterSetting, 'name' | 'outputDirectory'>[],
  outputDirectory?: string,
): string | undefined {
  const takenBy = new Map<string, string>()
  for (const setting of settings) {
    const isRelative = setting.outputDirectory === undefined || !isAbsolute(setting.outputDirectory)
    const root = outputDirectory ?? 'the output directory'
    const directory =
      isRelative && outputDirectory === undefined
        ? join(root, directoryOf(setting, ''))
        : resolve(directoryOf(setting, root))
    const other = takenBy.get(directory)
    if (other !== undefined)
      return `${other} and ${setting.name} both write to ${directory} and would replace each other's files. Give each its own directory.`
    takenBy.set(directory, setting.name)
  }
  return undefined
}

function problemOf({ identity, settings }: ComplianceConfiguration, allowed: AllowedDirectories): string | undefined {
  if (!IDENTITY.test(identity)) return 'an identity is global, site:…, service:… or adapter:…'
  const { adapterType = DEFAULTS.adapterType, adapterOutputDirectory, customConfiguration = '' } = settings
  const { eventsPerFileMax = DEFAULTS.eventsPerFileMax, runIntervalMs } = settings
  const name = adapterNameOf({ identity, settings })
  if (name === RECORD_SERIES)
    return `the name ${RECORD_SERIES} is reserved for the series of the events’ texts, which every pool has; choose another with adapterName`
  if (!ADAPTER_NAME.test(name))
    return 'an adapter’s name takes lower-case letters, digits, dot, dash and underscore; give it one with adapterName'
  if (!(ADAPTER_TYPES as readonly string[]).includes(adapterType))
    return `there is no adapter of type ${JSON.stringify(adapterType)}; there are ${ADAPTER_TYPES.join(', ')}`
  if (!Number.isInteger(eventsPerFileMax) || eventsPerFileMax < 1 || eventsPerFileMax > EVENTS_PER_FILE_MAX)
    return `eventsPerFileMax is a whole number from 1 to ${EVENTS_PER_FILE_MAX}`
  const { exportFrom = 0 } = settings
  if (!Number.isSafeInteger(exportFrom) || exportFrom < 0) return 'exportFrom is a time in milliseconds since 1970'
  if (customConfiguration.length > STYLESHEET_CHARACTERS_MAX) return 'the stylesheet is longer than 1 MiB'
  if (runIntervalMs !== undefined) {
    if (identity !== 'global') return 'all adapters share the pool’s intervals; set the run interval in global'
    if (!Number.isInteger(runIntervalMs) || runIntervalMs < RUN_INTERVAL_MIN_MS || runIntervalMs > RUN_INTERVAL_MAX_MS)
      return 'an interval lasts from one minute to thirty days'
  }
  return adapterOutputDirectory === undefined ? undefined : outputDirectoryProblem(adapterOutputDirectory, allowed)
}

function adapterNameOf({ identity, settings }: ComplianceConfiguration): string {
  return settings.adapterName ?? (identity === 'global' ? 'xml' : identity.slice(identity.indexOf(':') + 1))
}

/** Removes members that exist and are undefined, since they would hide inherited values. */
function given(settings: ComplianceSettings): { [K in keyof ComplianceSettings]: NonNullable<ComplianceSettings[K]> } {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined))
}

function isIn(root: string, directory: string): boolean {
  if (!isAbsolute(root)) return false
  const path = relative(root, directory)
  return path === '' || (path.split(sep, 1)[0] !== '..' && !isAbsolute(path))
}
