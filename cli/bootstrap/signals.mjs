import process from 'node:process'

const samePressMs = 300

/**
 * Makes one signal of the two that come when somebody presses Ctrl-C: the terminal sends it to npm and to us, and npm
 * passes its own on to us. A second press would otherwise seem to follow at once, and mean "do not wait".
 */
export function joinRepeatedSignals() {
  /** @type {Map<string, number>} */
  const lastSeen = new Map()
  const emit = process.emit.bind(process)
  process.emit = (event, ...args) => {
    if (event === 'SIGINT' || event === 'SIGTERM') {
      const now = performance.now()
      const sinceLast = now - (lastSeen.get(event) ?? -Infinity)
      lastSeen.set(event, now)
      if (sinceLast < samePressMs) return true
    }
    return emit(event, ...args)
  }
}
