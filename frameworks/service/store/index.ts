export { keyOf, type Loaded, NewerStoreError, ServiceStore } from './service-store.js'
export { Journal } from './journal.js'
