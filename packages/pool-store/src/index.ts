export { type Chat, chatsAfter, chatsBefore } from './chats.ts'
export type { Fact, Outcome } from './facts.ts'
export { type Lease, releaseLease, takeLease } from './leases.ts'
export { POOL_MIGRATIONS } from './migrations.ts'
export { deleteFromOutbox, outboxDepth, readOutbox } from './outbox.ts'
export { allParticipants, type OrphanedParticipant, orphanedParticipants, participantCount } from './participants.ts'
export {
  createPrincipals,
  findPrincipal,
  listPrincipals,
  type NewPrincipal,
  type Principal,
  type PrincipalRole,
  principalIds,
  putSecret,
} from './principals.ts'
export {
  createRecordWriter,
  RecordBusy,
  type RecordError,
  RecordStopped,
  RecordUnavailable,
  type RecordWriter,
  SourceFenced,
} from './record-writer.ts'
export { addMembers, createRoom, findRoom, isMember, lastChatIds, listRooms, type Room, rosterOf } from './rooms.ts'
export { type PoolSettings, poolSettings } from './settings.ts'
export { createSignIn, type SignIn, type SignInResult } from './sign-in.ts'
export {
  declareDead,
  type Source,
  settleSource,
  silentSources,
  sourceStates,
  startSource,
  stopSource,
  takeRollCall,
} from './sources.ts'
