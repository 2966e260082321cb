'use strict'

/* Asks an Assay relay about each video file before PeerTube takes it. 200 takes it; everything else does not, unless the
 * operator chose to let in what could not be checked. Needs nothing but Node 18. */

const { createReadStream, promises: fs } = require('fs')
const http = require('http')
const https = require('https')

const REFUSED = 'This file is not accepted.'
const UNCHECKED = 'This file could not be checked. Try again later.'

/* Hooks that are called with a file, and where in their parameters its path is. */
const HOOKS = {
  'filter:api.video.upload.accept.result': ({ videoFile }) => videoFile && videoFile.path,
  'filter:api.video.update-file.accept.result': ({ videoFile }) => videoFile && videoFile.path,
  'filter:api.video.user-import.accept.result': ({ videoFile }) => videoFile && videoFile.path,
  'filter:api.video.post-import-url.accept.result': ({ videoFilePath }) => videoFilePath,
  'filter:api.video.post-import-torrent.accept.result': ({ videoFilePath }) => videoFilePath
}

async function register ({ registerHook, registerSetting, settingsManager, peertubeHelpers }) {
  registerSetting({
    name: 'url',
    label: 'Address of the scan API',
    type: 'input',
    private: true,
    descriptionHTML: 'Such as https://relay.example/api/v1/scan/peertube'
  })
  registerSetting({ name: 'token', label: 'Token', type: 'input-password', private: true })
  registerSetting({
    name: 'timeout',
    label: 'Seconds to wait for an answer',
    type: 'input',
    default: '120',
    private: true,
    descriptionHTML: 'More than scan_api.time_limit of the relay'
  })
  registerSetting({
    name: 'accept-unchecked',
    label: 'Take what could not be checked, because the relay does not answer',
    type: 'input-checkbox',
    default: false,
    private: true
  })
  for (const [target, pathOf] of Object.entries(HOOKS)) {
    registerHook({
      target,
      handler: (result, params) => accept(result, pathOf(params || {}), settingsManager, peertubeHelpers.logger)
    })
  }
}

async function unregister () {}

/** Says whether a file may be taken, in the form that PeerTube's filters have. Never throws: that would let it in. */
async function accept (result, path, settingsManager, logger) {
  if (!result || result.accepted !== true) return result // something else refused it already
  let takesUnchecked = false
  try {
    const settings = await settingsManager.getSettings(['url', 'token', 'timeout', 'accept-unchecked'])
    takesUnchecked = settings['accept-unchecked'] === true
    if (!path) throw new Error('PeerTube gave no file')
    const status = await ask(path, settings)
    if (status === 200) return result
    if (status === 406) return { accepted: false, errorMessage: REFUSED }
    throw new Error(`the relay answers ${status}`)
  } catch (error) {
    logger.error(`assay: a file could not be checked: ${error.message}`)
    return takesUnchecked ? result : { accepted: false, errorMessage: UNCHECKED }
  }
}

/** Sends a file in pieces and returns the status of the answer; a redirect is not followed. */
async function ask (path, { url, token, timeout }) {
  const { size } = await fs.stat(path)
  const place = new URL(url)
  const seconds = Number(timeout) > 0 ? Number(timeout) : 120
  const { request } = place.protocol === 'https:' ? https : http
  return new Promise((resolve, reject) => {
    const sent = request(place, {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${token}`,
        'Content-Type': 'application/octet-stream',
        'Content-Length': size
      },
      signal: AbortSignal.timeout(seconds * 1000)
    })
    const file = createReadStream(path)
    sent.on('response', answer => {
      answer.resume()
      file.destroy()
      resolve(answer.statusCode)
    })
    sent.on('error', error => {
      file.destroy()
      reject(error)
    })
    file.on('error', error => sent.destroy(error))
    file.pipe(sent)
  })
}

module.exports = { register, unregister }
