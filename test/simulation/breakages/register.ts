import { register } from 'node:module'
import { breakages } from './breakages.js'

// Imported before all else, by `--import`: what is loaded from now on is broken as the environment says.
const name = process.env['TENDER_BREAKAGE']
const breakage = breakages.find(each => each.name === name)
if (!breakage) throw new Error(`there is no breakage '${name}'`)
register('./load.js', import.meta.url, { data: breakage })
