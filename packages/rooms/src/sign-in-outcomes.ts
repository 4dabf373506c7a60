/** What the record of sign-ins tells apart. `not-allowed`: somebody who is signed in asked for more than their rights. */
export const SIGN_IN_OUTCOMES = [
  'signed-in',
  /** somebody who is signed in gave the right password again, to change it */
  'proved',
  'wrong-credentials',
  'too-many-attempts',
  'token-refused',
  'not-enabled',
  /** the password was right, and no channel service had room */
  'no-channel-service',
  'password-changed',
  'signed-out',
  'signed-out-everywhere',
  'session-expired',
  'not-allowed',
  /** so many more failures at once that they were only counted */
  'more-failures',
] as const
export type SignInOutcome = (typeof SIGN_IN_OUTCOMES)[number]
