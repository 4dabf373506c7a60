import { readFile } from 'node:fs/promises'
import type { AdminReplyOf } from '@hansard/admin-contract'
import { parseRunInterval } from '@hansard/conversation'
import { openAdmin } from '../admin-client.ts'
import { misused } from '../command-failure.ts'
import { answer, type ExitCode, type Io } from '../io.ts'
import { properties } from '../table.ts'
import { isOn, type PoolOptions, said } from '../verbs/verb.ts'

export type ComplianceConfigOptions = PoolOptions & {
  readonly adapterName?: string
  readonly adapterType?: string
  readonly outputDirectory?: string
  readonly runInterval?: string
  readonly stylesheet?: string
  readonly eventsPerFile?: number
  readonly addChatRoomDetails?: 'on' | 'off'
  readonly addUserDetails?: 'on' | 'off'
  readonly createFileAttachmentsManifest?: 'on' | 'off'
  readonly oneChatRoomPerOutputFile?: 'on' | 'off'
}

export async function listComplianceConfig(io: Io, options: PoolOptions): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const reply = await admin.ask('listComplianceConfigurations')
  answer(io, options.json, reply, () => reply.configurations.map(described).join(''))
  return 0
}

export async function setComplianceConfig(
  io: Io,
  identity: string,
  options: ComplianceConfigOptions,
): Promise<ExitCode> {
  const changes = said({
    adapterName: options.adapterName,
    adapterType: options.adapterType,
    adapterOutputDirectory: options.outputDirectory,
    runIntervalMs: options.runInterval === undefined ? undefined : parseRunInterval(options.runInterval),
    customConfiguration: options.stylesheet === undefined ? undefined : await readStylesheet(options.stylesheet),
    eventsPerFileMax: options.eventsPerFile,
    addChatRoomDetails: isOn(options.addChatRoomDetails),
    addUserDetails: isOn(options.addUserDetails),
    createFileAttachmentsManifest: isOn(options.createFileAttachmentsManifest),
    oneChatRoomPerOutputFile: isOn(options.oneChatRoomPerOutputFile),
  })
  if (Object.keys(changes).length === 0) {
    throw misused('Nothing to change was named.', 'See `hansard compliance-config set --help`.')
  }
  const admin = await openAdmin(io, options)
  const { configurations } = await admin.ask('listComplianceConfigurations')
  const before = configurations.find((one) => one.identity === identity)?.settings ?? {}
  const body = { ...before, ...changes }
  const changed = await admin.ask('putComplianceConfiguration', { parts: { identity }, body })
  answer(io, options.json, changed, () => described(changed))
  return 0
}

export async function removeComplianceConfig(io: Io, identity: string, options: PoolOptions): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const removed = await admin.ask('removeComplianceConfiguration', { parts: { identity } })
  answer(io, options.json, removed, () => `${identity} has been removed.\n`)
  return 0
}

async function readStylesheet(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw misused(`${file} cannot be read: ${(error as Error).message}`)
  }
}

type Configuration = AdminReplyOf<'listComplianceConfigurations'>['configurations'][number]

function described({ identity, settings }: Configuration): string {
  return properties([
    ['identity', identity],
    ...Object.entries(settings).map(([name, value]) => {
      const text = String(value)
      return [name, name === 'customConfiguration' ? `a stylesheet of ${text.length} characters` : text] as const
    }),
  ])
}
