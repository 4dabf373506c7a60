import { relative, sep } from 'node:path'
import { StylesheetError } from '@hansard/adapter'

/** What an operator reads when an adapter cannot continue: what happened, and what to do. */
export function exportProblem(error: unknown, directory: string): string {
  if (error instanceof StylesheetError) return `${error.message} ${error.hint}`
  const disk = diskProblem(error, directory)
  if (disk !== undefined) return `${disk} Nothing is lost: the export is written by itself as soon as it can be.`
  return (error as Error).message ?? String(error)
}

/** What is wrong with the directory's disk, and what to do; undefined for an error of another kind. */
export function diskProblem(error: unknown, directory: string): string | undefined {
  const { code, path, syscall } = error as NodeJS.ErrnoException
  if (syscall === undefined || typeof code !== 'string') return undefined
  const where = path === undefined || isIn(directory, path) ? directory : path
  return DISK[code]?.(where) ?? `${where} could not be written to (${code}).`
}

function isIn(directory: string, path: string): boolean {
  return relative(directory, path).split(sep, 1)[0] !== '..'
}

const DISK: Readonly<Record<string, (directory: string) => string>> = {
  ENOSPC: (directory) => `The disk of ${directory} is full. Free space on it.`,
  EDQUOT: (directory) => `The disk quota of ${directory} is used up. Raise it or free space.`,
  EROFS: (directory) => `${directory} is read-only. Mount it writable.`,
  EACCES: (directory) => `${directory} is not writable for this worker. Grant it write access.`,
  EPERM: (directory) => `${directory} is not writable for this worker. Grant it write access.`,
  ENOENT: (directory) => `${directory} is missing. Mount its disk, or create it again.`,
  EEXIST: (directory) => `${directory} is not a directory. Create one.`,
  ENOTDIR: (directory) => `${directory} is not a directory. Create one.`,
  ESTALE: (directory) => `The share of ${directory} is stale. Mount it again.`,
  EIO: (directory) => `The disk of ${directory} fails. Check its health.`,
}
