/** A group's path and a name: `/shop/cart`. Lower-case, so that it can also be a name in DNS. */
const segment = /^([a-z0-9]|[a-z0-9][a-z0-9.-]*[a-z0-9])$/

/** These would be mistaken for what the HTTP API has below an app. */
const reservedLast: readonly string[] = ['restart', 'tasks', 'versions']

/** What is wrong with an app's id as a sentence part, or undefined. A missing first slash is allowed. */
export function problemOfAppId(id: string): string | undefined {
  const segments = toAppId(id).slice(1).split('/')
  const wrong = segments.find(each => !segment.test(each))
  if (wrong !== undefined) {
    return `must be a path such as /shop/cart of lower-case letters, digits, '-' and '.', each part starting and ending with a letter or digit`
  }
  const last = segments.at(-1) ?? ''
  return reservedLast.includes(last) ? `must not end in ${reservedLast.join(', ')}` : undefined
}

/** The one form of an id: with its first slash, and without a last one. */
export function toAppId(id: string): string {
  return `/${id.replace(/^\/+|\/+$/g, '')}`
}
