import { largeLists } from './large-lists-in-test.ts'

largeLists('postgres')
