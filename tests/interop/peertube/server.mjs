// What PeerTube does with a plugin, as far as examples/peertube-plugin-assay sees of it: settings, a log, hooks.
import { createRequire } from 'node:module'
import { serve } from '../lines.mjs'

const plugin = createRequire(import.meta.url)('../../../examples/peertube-plugin-assay/main.js')

async function load(settings) {
  const hooks = new Map()
  const asked = []
  const logged = []
  await plugin.register({
    registerHook: ({ target, handler }) => hooks.set(target, handler),
    registerSetting: ({ name }) => asked.push(name),
    settingsManager: { getSettings: async (names) => Object.fromEntries(names.map((name) => [name, settings[name]])) },
    peertubeHelpers: { logger: { error: (text) => logged.push(text) } },
  })
  return { hooks, asked, logged }
}

await serve({
  async hooks() {
    const { hooks, asked } = await load({})
    return { hooks: [...hooks.keys()], asked }
  },
  async call({ settings, hook, result, params }) {
    const { hooks, logged } = await load(settings)
    return { result: await hooks.get(hook)(result, params), logged }
  },
})
