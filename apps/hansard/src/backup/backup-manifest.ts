import { hash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { digestOf, writeDurably } from '@hansard/durable-file'
import { z } from 'zod'
import { misused, refused } from '../cli/command-failure.ts'

const FORMAT = 'hansard-backup/1'
export const BACKUP_MANIFEST = 'backup.json'
/** Names in a backup, relative to it. */
export const POOL_COPY = { standard: 'pool.db', enterprise: 'pool.dump' } as const
export const COMPLIANCE_COPY = { standard: 'compliance.db', enterprise: 'compliance.dump' } as const

const digest = z.string().regex(/^[0-9a-f]{64}$/)
/** A path below the backup: no way out of it, no matter who wrote the manifest. */
const name = z
  .string()
  .min(1)
  .refine(
    (path) => !path.startsWith('/') && path.split('/').every((part) => part !== '' && part !== '.' && part !== '..'),
  )
const BackupManifest = z.strictObject({
  format: z.literal(FORMAT),
  edition: z.enum(['standard', 'enterprise']),
  pool: z.string(),
  version: z.string(),
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime(),
  /** Files that the caller left out: they are backed up by other means. */
  withoutFiles: z.boolean(),
  files: z.array(z.strictObject({ name, size: z.int().min(0), sha256: digest })),
  /** The manifests in the output directory before the databases were read. Their files are not in the backup. */
  outputDirectory: z.strictObject({
    path: z.string(),
    manifests: z.array(z.strictObject({ name, sha256: digest })),
  }),
})
export type BackupManifest = z.infer<typeof BackupManifest>

/** Written last: a directory without it is no backup. Returns its SHA-256. */
export async function writeBackupManifest(
  directory: string,
  manifest: Omit<BackupManifest, 'format'>,
): Promise<string> {
  const text = `${JSON.stringify(BackupManifest.parse({ format: FORMAT, ...manifest }), null, 2)}\n`
  await writeDurably(directory, BACKUP_MANIFEST, text)
  return hash('sha256', text, 'hex')
}

/** Reads the manifest of a backup and compares every file with its hash. */
export async function readBackup(directory: string): Promise<{ manifest: BackupManifest; sha256: string }> {
  const path = join(directory, BACKUP_MANIFEST)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    throw misused(
      `${path} cannot be read: ${(error as Error).message}`,
      'Name the directory that `hansard backup` made.',
    )
  }
  let manifest: BackupManifest
  try {
    manifest = BackupManifest.parse(JSON.parse(text))
  } catch (cause) {
    throw refused(`${path} is not the manifest of a backup, or of a later version: ${(cause as Error).message}`)
  }
  for (const { name, size, sha256 } of manifest.files) {
    const found = await digestOf(join(directory, name))
    const problem = !found ? 'is missing' : found.sha256 === sha256 && found.size === size ? undefined : 'was altered'
    if (problem) throw refused(`${join(directory, name)} ${problem}. Nothing was restored.`, 'Take another backup.')
  }
  return { manifest, sha256: hash('sha256', text, 'hex') }
}
