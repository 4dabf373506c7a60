import { searchHistory } from './search-history-in-test.ts'

searchHistory('postgres')
