export { PASSWORD_CHARACTERS_MIN, passwordProblem } from './password-rules.ts'
export { hashPassword, isKeyShaped, keySecret, newKey, TooManySignIns, verifySecret } from './secret.ts'
export { keyIdOf, signToken, verifyToken } from './signed-token.ts'
export {
  createTokenKeyFile,
  readTokenKeys,
  replaceTokenKeyFile,
  TOKEN_KEY_FILE,
  type TokenKeySource,
  tokenKeySource,
  tokenKeysChangedAt,
} from './token-key-store.ts'
export {
  formatTokenKeys,
  newTokenKeys,
  type PublicTokenKey,
  publicPart,
  rotateTokenKeys,
  type TokenKeyFile,
  TokenKeyProblem,
  trustedKeys,
} from './token-keys.ts'
