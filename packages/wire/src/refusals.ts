import { ACCESS_REFUSALS } from '@hansard/rooms'

/** Stable codes of refusals, part of the protocol. Those of the access rules are explained in packages/rooms. */
export const REFUSALS = [
  ...ACCESS_REFUSALS,
  'malformed',
  'unknown-message',
  'not-signed-in',
  'already-signed-in',
  'wrong-credentials',
  /** The policy that holds for this account does not let it use the pool. */
  'not-enabled',
  'too-many-attempts',
  'not-joined',
  /** The author has used this `post` name in this room for another text. Nothing was recorded; take a new name. */
  'post-name-used',
  'already-joined',
  'too-long',
  'too-large',
  'too-fast',
  'too-many-rooms',
  'duplicate-name',
  /** Several rooms that the caller may see have this name. */
  'ambiguous-name',
  'no-such-category',
  'no-such-principal',
  'no-such-chat',
  'no-such-add-in',
  'no-such-feed',
  'no-such-file',
  'not-in-scope',
  'presenter-not-a-member',
  'limit-exceeded',
  'invalid',
  /** It has changed since the client read it: ask for it again. */
  'conflict',
  /** This pool has no file service. */
  'no-file-service',
  /** The record could not be written just now. Nothing was lost; repeat with the same `post` name. */
  'try-again',
  'stopping',
] as const
export type WireRefusal = (typeof REFUSALS)[number]
