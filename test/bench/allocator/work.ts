import { works } from './works.js'

/** One piece of work in a process of its own, so that its memory is its own: prints figures as JSON. */
const [name = ''] = process.argv.slice(2)
const work = works[name]
if (!work) throw new Error(`a work is one of ${Object.keys(works).join(', ')}, got '${name}'`)
const figures = work()
const peakMb = process.resourceUsage().maxRSS / 1024
console.log(JSON.stringify({ figures, peakMb }))
