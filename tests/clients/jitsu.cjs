// Makes the calls of a scenario with @jitsu/js, outside a browser.
const { jitsuAnalytics } = require('@jitsu/js')
const { errors, report, scenario } = require('./scenario.cjs')

// It tells of errors nowhere else.
console.error = (...words) => errors.push(words.join(' '))

const said = {
  identify: ({ userId, traits }) => [userId, traits],
  track: ({ event, properties }) => [event, properties],
  page: ({ name, properties }) => [{ name, ...properties }],
  group: ({ groupId, traits }) => [groupId, traits]
}

async function main() {
  const analytics = jitsuAnalytics({
    host: scenario.host,
    writeKey: `${scenario.key}:secret`,
    ...scenario.options
  })
  for (const call of scenario.calls) await analytics[call.type](...said[call.type](call))
  report()
}

main()
