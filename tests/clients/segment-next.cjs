// Makes the calls of a scenario with @segment/analytics-next, in a page of jsdom's; Node's fetch sends.
const { JSDOM } = require('jsdom')
const { errors, report, scenario } = require('./scenario.cjs')

const { window } = new JSDOM('<title>Shop</title>', { url: 'https://shop.example/path?utm_source=x' })
for (const name of ['window', 'document', 'location', 'navigator', 'localStorage']) {
  Object.defineProperty(globalThis, name, { value: name === 'window' ? window : window[name] })
}
const { AnalyticsBrowser } = require('@segment/analytics-next')

const said = {
  identify: ({ userId, traits }) => [userId, traits],
  track: ({ event, properties }) => [event, properties],
  page: ({ category, name, properties }) => [category, name, properties],
  screen: ({ category, name, properties }) => [category, name, properties],
  group: ({ groupId, traits }) => [groupId, traits],
  alias: ({ userId, previousId }) => [userId, previousId]
}

// With `batching`, all in one batch, sent as soon as it is full.
const config = { size: scenario.calls.length, timeout: 1000 }
const deliveryStrategy = scenario.options.batching ? { strategy: 'batching', config } : {}

async function main() {
  const analytics = AnalyticsBrowser.load(
    { writeKey: scenario.key, cdnURL: scenario.host },
    { integrations: { 'Segment.io': { deliveryStrategy } } }
  )
  analytics.on('error', ({ code, reason }) => errors.push(`${code}: ${reason}`))
  for (const call of scenario.calls) await analytics[call.type](...said[call.type](call))
}

// What it could not send it tries again later: it is done when Node has nothing left to wait for.
process.once('beforeExit', report)
main()
