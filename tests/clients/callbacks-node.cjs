// Makes the calls of a scenario with analytics-node 6 or @rudderstack/rudder-sdk-node, which is its fork.
const { errors, report, scenario } = require('./scenario.cjs')
const Analytics = require(scenario.module)

const { errorHandler = true, ...options } = scenario.options
const analytics = new Analytics(scenario.key, {
  host: scenario.host,
  flushInterval: 50,
  errorHandler: errorHandler && ((error) => errors.push(String(error))),
  ...options
})
const answered = scenario.calls.map(
  ({ type, ...message }) => new Promise((resolve) => analytics[type](message, resolve))
)
Promise.all(answered).then(report)
