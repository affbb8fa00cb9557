import { kindOf, type ResourceKind, Resources } from '@tender/sdk/values'

/** What is told wins over what is detected, name by name, whatever the kind; `disk:0` tells that there is none. */
export function toldOrDetected(text: string, detected: Resources): Resources {
  const told = parseStaticResources(text)
  const names = namesIn(text)
  return detected.only(kind => !names.has(kind.name)).plus(told)
}

/** Of the text, since a zero leaves no trace in what was read. */
export function namesIn(text: string): ReadonlySet<string> {
  return new Set(text.split(';').map(entry => /^[^:([{]*/.exec(entry)?.[0].trim() ?? ''))
}

/**
 * Reads the resources that an agent is started with: all but what is made at run time.
 * @throws ResourcesTextError where the text is wrong
 * @throws TypeError when it names a dynamic reservation or a volume
 */
export function parseStaticResources(text: string): Resources {
  const resources = Resources.parse(text)
  for (const key of resources.keys()) {
    const what = dynamicPart(kindOf(key))
    if (what === undefined) continue
    throw new TypeError(
      `--resources: '${key}' is ${what}, which is made at run time; allowed are plain names such as 'cpus:4', ` +
        `reservations such as 'cpus(web):2', mounts such as 'disk{mount}:100', and 'cpus{revocable}:1'`,
    )
  }
  return resources
}

function dynamicPart(kind: ResourceKind): string | undefined {
  if (kind.volume) return 'a volume'
  if (kind.reservation?.isDynamic === true) return 'a dynamic reservation'
  if (kind.reservation && kind.reservation.roles.length > 1) return 'a refined reservation'
  return undefined
}
