// The scenario that a driver gets on its standard input, and the report that it prints at the end.
const { readFileSync } = require('node:fs')

// What JSON cannot say: {"$date": "2026-01-02T03:04:05Z"}, {"$number": "NaN"}.
const kinds = { $date: (text) => new Date(text), $number: Number }

const revive = (_, value) => {
  const kind = value && Object.keys(kinds).find((name) => name in Object(value))
  return kind ? kinds[kind](value[kind]) : value
}

exports.errors = []
exports.report = () => console.log(JSON.stringify({ errors: exports.errors }))
exports.scenario = JSON.parse(readFileSync(0, 'utf8'), revive)
