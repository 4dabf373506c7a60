import type { IssuedFileToken } from '@hansard/pool-store'
import type { Session } from '../delivery/session.ts'

export function answerFileToken(session: Session, re: number, issued: IssuedFileToken): void {
  if (issued.outcome === 'refused') return session.refuse(re, issued.reason, issued.message)
  const { fileId: file, token, url, expiresAt, fileName, size } = issued
  session.send({ t: 'file-token', re, file, token, url, expiresAt, fileName, size })
}

export function refuseNoFileService(session: Session, re: number): void {
  session.refuse(re, 'no-file-service', 'This pool has no file service.')
}
