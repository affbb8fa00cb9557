export * from './memory-broker.js'
export * from './memory-store.js'
export * from './seeded-random.js'
export * from './virtual-clock.js'
