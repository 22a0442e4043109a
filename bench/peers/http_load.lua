-- The load of http_load.py for wrk: POSTs the lines of a file in a circle, and prints what was answered as JSON.
local bodies, sent = {}, 0
answered, refused = 0, 0 -- global, so that done() can read them from the thread
local threads = {}

function setup(thread) table.insert(threads, thread) end

function init(arguments)
  for line in io.lines(arguments[1]) do bodies[#bodies + 1] = line end
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
end

function request()
  sent = sent % #bodies + 1
  return wrk.format(nil, nil, nil, bodies[sent])
end

function response(status)
  if status == 200 then answered = answered + 1 else refused = refused + 1 end
end

function done(summary, latency)
  local answers, refusals = 0, 0
  for _, thread in ipairs(threads) do
    answers = answers + thread:get("answered")
    refusals = refusals + thread:get("refused")
  end
  local lost = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.write(string.format(
    '\nRESULT {"answered": %d, "refused": %d, "lost": %d, "seconds": %f, "p50": %f, "p95": %f, "p99": %f}\n',
    answers, refusals, lost, summary.duration / 1e6, latency:percentile(50) / 1e6, latency:percentile(95) / 1e6,
    latency:percentile(99) / 1e6))
end
