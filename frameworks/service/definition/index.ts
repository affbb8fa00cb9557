export * from './app.js'
export * from './app-id.js'
export { type AppDefinition, appDefinition } from './schema.js'
export * from './validate.js'
