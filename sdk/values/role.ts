/**
 * Why this is no role, or undefined when it is one. A role is a path such as `eng/web`, or `*`. The rules are Mesos'
 * (src/common/roles.cpp).
 */
export function roleProblem(role: string): string | undefined {
  if (role === '*') return undefined
  if (role.length > 200) return 'a role has at most 200 characters'
  for (const part of role.split('/')) {
    if (part === '') return `a role's parts between '/' must not be empty`
    if (part === '.' || part === '..' || part === '*') return `a role's part must not be '${part}'`
    if (part.startsWith('-')) return `a role's part must not start with '-'`
    if (/[\s\p{Cc}\\]/u.test(part)) return `a role must not contain white space or control characters`
  }
  return undefined
}
