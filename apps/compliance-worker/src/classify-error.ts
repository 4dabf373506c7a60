import { isTransient } from '@hansard/sql'

/** The database's trouble is the worker's own: nothing gets on without it. A disk's is one adapter's. */
export function isDatabaseTrouble(error: unknown): boolean {
  return isTransient(error) && !isDiskTrouble(error)
}

/** A file that is missing has the code of a socket that is: what touched the disk has a path, or does what disks do. */
export function isDiskTrouble(error: unknown): boolean {
  const { path, syscall, code } = (error ?? {}) as NodeJS.ErrnoException
  if (path !== undefined) return true
  return syscall !== undefined && OF_DISKS.has(syscall) && !OF_SOCKETS.has(code ?? '')
}

const OF_DISKS = new Set([
  'open',
  'write',
  'fsync',
  'rename',
  'mkdir',
  'scandir',
  'close',
  'read',
  'unlink',
  'rm',
  'lstat',
])
// Connections are read and written too.
const OF_SOCKETS = new Set(['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'EHOSTUNREACH'])
