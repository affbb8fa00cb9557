import { makeDockerRig, makeProcessRig } from './rig.js'
import { behavesLikeAContainerizer } from './suite.js'

behavesLikeAContainerizer('docker', makeDockerRig)
behavesLikeAContainerizer('process', makeProcessRig)
