// LangChain, npm `@langchain/openai`.
import assert from "node:assert/strict";
import { ToolMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { ChatOpenAI } from "@langchain/openai";
import { z } from "zod";
import { STALL, STALL_IN_STREAM, TEXT, collect, countingFetch, sent, thrown, until } from "./harness.mjs";

const schema = z.object({ city: z.string(), degrees: z.number() });
const weather = tool(async () => "sunny", {
  name: "weather",
  description: "of a city",
  schema: z.object({ city: z.enum(["Oslo"]) }),
});

function chat(scene, model, { configuration, ...options } = {}) {
  return new ChatOpenAI({
    model,
    apiKey: scene.key,
    maxRetries: 0,
    configuration: { baseURL: scene.baseURL, ...configuration },
    ...options,
  });
}

export async function fallsThrough(slot, scene) {
  assert.equal((await chat(scene, slot.chain).invoke("Hello")).content, TEXT);
  assert.equal(await collect(await chat(scene, slot.chain).stream("Hello"), (chunk) => chunk.content), TEXT);
}

export const cases = {
  async invoke(slot, scene) {
    const answer = await chat(scene, slot.chain, { configuration: { defaultHeaders: { "x-team": "blue" } } }).invoke(
      "Hello",
    );
    assert.deepEqual([answer.content, answer.response_metadata.finish_reason], [TEXT, "stop"]);
    assert.ok(answer.usage_metadata.total_tokens > 0);
    assert.match((await slot.a.log())[0].head.toLowerCase(), /\r\nx-team: blue\r\n/);
  },

  async stream(slot, scene) {
    let whole;
    for await (const chunk of await chat(scene, slot.chain).stream("Hello"))
      whole = whole ? whole.concat(chunk) : chunk;
    assert.deepEqual([whole.content, whole.response_metadata.finish_reason], [TEXT, "stop"]);
    assert.ok(whole.usage_metadata.total_tokens > 0);
  },

  async batch(slot, scene) {
    const answers = await chat(scene, slot.chain).batch(
      Array.from({ length: 10 }, (_, i) => `${i}`),
      { maxConcurrency: 5 },
    );
    assert.ok(answers.every((answer) => answer.content === TEXT));
  },

  async bound_tools(slot, scene) {
    const bound = chat(scene, slot.chain).bindTools([weather]);
    const answer = await bound.invoke("Hello");
    const [call] = answer.tool_calls;
    assert.deepEqual([call.name, call.args], ["weather", { city: "Oslo" }]);
    const result = new ToolMessage({ content: await weather.invoke(call.args), tool_call_id: call.id });
    assert.equal((await bound.invoke([["user", "Hello"], answer, result])).content, TEXT);
    assert.equal(sent((await slot.a.log())[1]).messages.at(-1).content, "sunny");
  },

  async bound_tools_in_a_stream(slot, scene) {
    await slot.a.faults({ fault: "only_done" });
    let whole;
    for await (const chunk of await chat(scene, slot.chain).bindTools([weather]).stream("Hello"))
      whole = whole ? whole.concat(chunk) : chunk;
    const [call] = whole.tool_calls;
    assert.deepEqual([call.name, call.args], ["weather", { city: "Oslo" }]);
  },

  async structured_output_by_schema(slot, scene) {
    await slot.a.answer({ text: '{"city":"Oslo","degrees":3}' });
    const structured = chat(scene, slot.chain).withStructuredOutput(schema, { name: "weather", method: "jsonSchema" });
    assert.deepEqual(await structured.invoke("Hello"), { city: "Oslo", degrees: 3 });
    assert.equal(sent((await slot.a.log())[0]).response_format.type, "json_schema");
  },

  async structured_output_by_tool(slot, scene) {
    const structured = chat(scene, slot.chain).withStructuredOutput(z.object({ city: z.enum(["Oslo"]) }), {
      name: "weather",
      method: "functionCalling",
    });
    assert.deepEqual(await structured.invoke("Hello"), { city: "Oslo" });
  },

  async errors(slot, scene) {
    const body = { error: { message: "too hot", type: "invalid_request_error", param: "temperature", code: null } };
    await slot.a.faults({ fault: "status", status: 400, body });
    const refused = await thrown(chat(scene, slot.solo).invoke("Hello"));
    assert.deepEqual([refused.status, refused.param], [400, "temperature"]);
    const stranger = await thrown(chat(scene, slot.chain, { apiKey: "sk-wrong" }).invoke("Hello"));
    assert.deepEqual([stranger.status, stranger.lc_error_code], [401, "MODEL_AUTHENTICATION"]);
    const unknown = await thrown(chat(scene, "nothing").invoke("Hello"));
    assert.deepEqual([unknown.status, unknown.lc_error_code], [404, "MODEL_NOT_FOUND"]);
  },

  async rate_limit_error(slot, scene) {
    await slot.a.faults({ fault: "rate_limit", retry_after: "30s" });
    const error = await thrown(chat(scene, slot.solo).invoke("Hello"));
    assert.deepEqual([error.status, error.lc_error_code, error.code], [429, "MODEL_RATE_LIMIT", "chain_exhausted"]);
    assert.ok(Number(error.headers.get("retry-after")) >= 29);
    assert.equal(
      (
        await thrown(
          chat(scene, slot.solo)
            .stream("Hello")
            .then((stream) => collect(stream, () => "")),
        )
      ).status,
      429,
    );
  },

  async server_error(slot, scene) {
    await slot.a.faults({ fault: "status", status: 500 });
    assert.equal((await thrown(chat(scene, slot.solo).invoke("Hello"))).status, 502);
  },

  async error_in_mid_stream(slot, scene) {
    await slot.a.faults({ fault: "break", at: "stream", after_chunks: 1 });
    let text = "";
    const stream = await chat(scene, slot.chain).stream("Hello");
    const error = await thrown(
      (async () => {
        for await (const chunk of stream) text += chunk.content;
      })(),
    );
    assert.equal(error.code, "stream_broken");
    assert.ok(text && TEXT.startsWith(text) && text !== TEXT, text);
  },

  async timeout(slot, scene) {
    await slot.a.faults(STALL);
    const error = await thrown(chat(scene, slot.chain, { timeout: 400 }).invoke("Hello"));
    assert.equal(error.name, "TimeoutError");
    await slot.a.left();
  },

  async abort(slot, scene) {
    await slot.c.faults({ ...STALL, next: 1 });
    const controller = new AbortController();
    const error = thrown(chat(scene, slot.single).invoke("Hello", { signal: controller.signal }));
    await slot.c.arrived();
    controller.abort();
    assert.match(String(await error), /abort/i);
    await slot.c.left();
    await until(
      () =>
        chat(scene, slot.single)
          .invoke("Hello")
          .then(
            () => true,
            () => false,
          ),
      "the only place to be free again",
    );
  },

  async abort_of_a_stream(slot, scene) {
    await slot.a.faults(STALL_IN_STREAM);
    const controller = new AbortController();
    const stream = await chat(scene, slot.chain).stream("Hello", { signal: controller.signal });
    await thrown(
      (async () => {
        for await (const chunk of stream) if (chunk.content) controller.abort();
      })(),
    );
    await slot.a.left();
  },

  async no_retries(slot, scene) {
    await slot.a.faults({ fault: "status", status: 500, next: 1 });
    const fetch = countingFetch();
    assert.equal((await thrown(chat(scene, slot.solo, { configuration: { fetch } }).invoke("Hello"))).status, 502);
    assert.deepEqual(fetch.statuses, [502]);
  },

  async one_retry(slot, scene) {
    await slot.a.faults({ fault: "status", status: 500, next: 1 });
    const fetch = countingFetch();
    assert.equal(
      (await chat(scene, slot.solo, { maxRetries: 1, configuration: { fetch } }).invoke("Hello")).content,
      TEXT,
    );
    assert.deepEqual(fetch.statuses, [502, 200]);
  },
};
