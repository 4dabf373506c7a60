export { createAttemptLimiter } from './attempt-limiter.ts'
export { hashPassword, keySecret, newKey, passwordProblem, TooManySignIns, verifySecret } from './secret.ts'
export { newSigningKey, signToken, verifyToken } from './signed-token.ts'
