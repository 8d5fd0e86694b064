// What the cases of all clients share: a chain for each of them, its simulated providers, and waiting for what these
// have seen.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

export const TEXT = "Good morning, world.";
export const messages = [{ role: "user", content: "Hello" }];
export const WEATHER = { type: "object", properties: { city: { type: "string", enum: ["Oslo"] } }, required: ["city"] };
export const failures = JSON.parse(readFileSync(new URL("failures.json", import.meta.url)));
// Until a test releases it, which it doesn't: only the client's leaving ends it.
export const STALL = { fault: "stall", at: "head" };
export const STALL_IN_STREAM = { fault: "stall", at: "stream", after_chunks: 1 };

export async function thrown(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  assert.fail("nothing was thrown");
}

export async function collect(stream, part) {
  let text = "";
  for await (const chunk of stream) text += part(chunk) ?? "";
  return text;
}

export async function until(condition, what, seconds = 10) {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    if (await condition()) return;
    assert.ok(Date.now() < deadline, `not within ${seconds} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export class Provider {
  constructor(url) {
    this.sim = url.replace(/\/v1$/, "/__sim");
  }

  async control(method, what, body) {
    const answer = await fetch(`${this.sim}/${what}`, { method, body: body && JSON.stringify(body) });
    assert.equal(answer.status, 200, await answer.clone().text());
    return answer.json();
  }

  faults(...list) {
    return this.control("PUT", "faults", list);
  }

  answer(changes) {
    return this.control("POST", "answer", changes);
  }

  log(query = "") {
    return this.control("GET", `log?bodies=1&${query}`);
  }

  // The requests that have arrived, once there are so many; answered or not.
  arrived(count = 1) {
    return this.log(`wait=10&count=${count}`);
  }

  // The last request, once it is over. `disconnected`: it was left before it was answered.
  async left() {
    const [entry] = (await this.log("wait=10&finished=1")).slice(-1);
    assert.ok(entry?.finished, "the provider still answers");
    assert.ok(entry.disconnected, "the provider was not left");
  }
}

export const sent = (entry) => JSON.parse(Buffer.from(entry.body, "base64").toString());

// A `fetch` that notes the status of every answer: how often a client really asked.
export function countingFetch() {
  const statuses = [];
  const counting = async (...args) => {
    const answer = await fetch(...args);
    statuses.push(answer.status);
    return answer;
  };
  counting.statuses = statuses;
  return counting;
}

// A case's own corner of the fleet: `chain` tries provider a, then b; `solo` only a; `single` only c, which takes one
// request at a time.
function corner(given) {
  const [a, b, c] = given.providers.map((url) => new Provider(url));
  return { chain: given.chain, solo: given.solo, single: given.single, target: given.target, a, b, c };
}

async function runOne(name, run, slot, scene) {
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error("the case hangs")), 30_000)));
  try {
    await Promise.race([run(slot, scene), late]);
    console.log(JSON.stringify({ name, ok: true }));
  } catch (error) {
    console.log(JSON.stringify({ name, ok: false, error: String(error?.stack ?? error) }));
  } finally {
    clearTimeout(timer);
  }
}

// Runs a client's cases, a few at a time. One JSON line per case: {"name", "ok", "error"}.
export async function runAll({ cases, fallsThrough }, scene) {
  const all = Object.entries(cases);
  for (const [name, fault] of Object.entries(failures)) {
    all.push([
      `unseen_${name}`,
      async (slot) => {
        await slot.a.faults(fault);
        await fallsThrough(slot, scene);
        const [{ fired }] = await slot.a.control("GET", "faults");
        assert.ok(fired > 0, "the first provider has not failed");
        assert.ok((await slot.b.log()).length > 0, "the second provider was not asked");
      },
    ]);
  }
  assert.ok(all.length <= scene.slots.length, `${all.length} cases, ${scene.slots.length} corners`);
  const queue = all.map(([name, run], i) => [name, run, corner(scene.slots[i])]);
  const worker = async () => {
    for (let next; (next = queue.shift());) await runOne(...next, scene);
  };
  await Promise.all(Array.from({ length: 4 }, worker));
}
