import { render } from 'preact'
import { App } from './app.js'
import { follow } from './live/follow.js'

const root = document.getElementById('app')
if (!root) throw new Error('index.html has no element with the id app')
render(<App />, root)
follow()
