-- wrk -s requests.lua URL -- METHOD PATH BODY FIRST LAST: {n} in path and body counts from FIRST to LAST, then again.
local method, path, body, first, last, n

function init(args)
  method, path, body = args[1], args[2], args[3]
  first, last = tonumber(args[4]), tonumber(args[5])
  n = math.random(first, last)
  if body == "" then body = nil end
end

function request()
  n = n < last and n + 1 or first
  local numbered = body and string.gsub(body, "{n}", n)
  return wrk.format(method, (string.gsub(path, "{n}", n)), nil, numbered)
end

function done(summary, latency)
  local failed = summary.errors
  io.write(string.format(
    'FIGURES {"requests": %d, "seconds": %f, "bytes": %d, "p50": %f, "p95": %f, "p99": %f, "errors": %d}\n',
    summary.requests, summary.duration / 1e6, summary.bytes, latency:percentile(50) / 1e3,
    latency:percentile(95) / 1e3, latency:percentile(99) / 1e3,
    failed.connect + failed.read + failed.write + failed.timeout + failed.status))
end
