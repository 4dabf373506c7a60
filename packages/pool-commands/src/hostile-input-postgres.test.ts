import { hostileInput } from './hostile-input-in-test.ts'

hostileInput('postgres')
