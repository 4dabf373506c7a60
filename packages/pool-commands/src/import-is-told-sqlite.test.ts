import { importIsTold } from './import-is-told-in-test.ts'

importIsTold('sqlite')
