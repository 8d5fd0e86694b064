// Calls a running proxy through a real client: node run.mjs CLIENT, with the scene as JSON on stdin. Which chains there
// are and what stands behind them is set up by tests/integration/support/node_client.py.
import { readFileSync } from "node:fs";
import { runAll } from "./harness.mjs";

const scene = JSON.parse(readFileSync(0));
await runAll(await import(`./${process.argv[2]}.mjs`), scene);
process.exit(0);
