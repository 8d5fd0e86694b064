-- One POST again and again. BODY names the file with the body; prints one line of JSON at the end.
local file = assert(io.open(os.getenv("BODY"), "rb"))
wrk.method = "POST"
wrk.body = file:read("*a")
wrk.headers["Content-Type"] = "application/json"
file:close()

function done(summary, latency, _)
  local e = summary.errors
  io.write(string.format('{"answers":%d,"seconds":%.4f,"p50_us":%d,"p99_us":%d,"wrong":%d,"failed":%d}\n',
    summary.requests - e.status, summary.duration / 1e6, latency:percentile(50), latency:percentile(99), e.status,
    e.connect + e.read + e.write + e.timeout))
end
