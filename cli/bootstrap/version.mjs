const oldest = [20, 19]

/**
 * @param {string} version such as 20.20.2
 * @returns {string | undefined} what to tell the user, if this Node.js is too old
 */
export function complaintAbout(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > oldest[0] || (major === oldest[0] && minor >= oldest[1])) return undefined
  return `Tender needs Node.js ${oldest.join('.')} or later, this is ${version}. See https://nodejs.org/en/download`
}

/** Ends the process, saying why, on a Node.js that the rest cannot run on. */
export function requireSupportedNode() {
  const complaint = complaintAbout(process.versions.node)
  if (complaint === undefined) return
  console.error(complaint)
  process.exit(1)
}
