import { isTransient } from '@hansard/sql'

/** A database error stops the whole worker; a disk error stops one adapter. */
export function isDatabaseTrouble(error: unknown): boolean {
  return isTransient(error) && !isDiskTrouble(error)
}

/** ENOENT may be a missing file or a missing socket. A disk error has a path or a disk syscall. */
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
// Sockets have read and write errors too.
const OF_SOCKETS = new Set(['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'EHOSTUNREACH'])
