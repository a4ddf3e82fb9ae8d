// Makes the calls of a scenario with @segment/analytics-node.
const { Analytics } = require('@segment/analytics-node')
const { errors, report, scenario } = require('./scenario.cjs')

const analytics = new Analytics({ writeKey: scenario.key, host: scenario.host, ...scenario.options })
analytics.on('error', ({ code, reason }) => errors.push(`${code}: ${reason}`))
for (const { type, ...message } of scenario.calls) analytics[type](message)
analytics.closeAndFlush().then(report)
