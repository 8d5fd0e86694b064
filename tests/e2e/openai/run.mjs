// Calls a running proxy through the official SDK. Prints one JSON line per case: {"name", "ok", "error"}.
//   node run.mjs BASE_URL CLIENT_KEY
// The chains it calls and what their providers answer are set up by tests/integration/test_openai_npm.py.
import assert from "node:assert/strict";
import OpenAI, { APIError, APIUserAbortError, AuthenticationError, BadRequestError, InternalServerError, NotFoundError, RateLimitError } from "openai";

const [baseURL, apiKey] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const messages = [{ role: "user", content: "Hello" }];
const tools = [{ type: "function", function: { name: "weather", parameters: { type: "object", properties: { city: { type: "string" } } } } }];

async function thrown(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  assert.fail("nothing was thrown");
}

const cases = {
  async completion() {
    const { data, response } = await client.chat.completions.create({ model: "plain", messages }).withResponse();
    assert.equal(data.choices[0].message.content, "hello there");
    assert.equal(data.choices[0].finish_reason, "stop");
    assert.equal(data.usage.total_tokens, 5);
    assert.equal(response.headers.get("x-429chain-target"), "good/m");
    assert.ok(data._request_id);
  },

  async stream() {
    const stream = await client.chat.completions.create({ model: "plain", messages, stream: true });
    let text = "";
    let finish = null;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta?.content ?? "";
      finish = chunk.choices[0]?.finish_reason ?? finish;
    }
    assert.equal(text, "hello there");
    assert.equal(finish, "stop");
  },

  async stream_with_usage() {
    const stream = await client.chat.completions.create({ model: "usage", messages, stream: true, stream_options: { include_usage: true } });
    let usage = null;
    for await (const chunk of stream) usage = chunk.usage ?? usage;
    assert.equal(usage.total_tokens, 5);
  },

  async stream_helper() {
    const message = await client.chat.completions.stream({ model: "plain", messages }).finalChatCompletion();
    assert.equal(message.choices[0].message.content, "hello there");
  },

  async tool_calls() {
    const answer = await client.chat.completions.create({ model: "tools", messages, tools });
    const [call] = answer.choices[0].message.tool_calls;
    assert.equal(answer.choices[0].finish_reason, "tool_calls");
    assert.equal(call.function.name, "weather");
    assert.deepEqual(JSON.parse(call.function.arguments), { city: "Žilina" });
  },

  async streamed_tool_calls() {
    const answer = await client.chat.completions.stream({ model: "tools", messages, tools }).finalChatCompletion();
    const [call] = answer.choices[0].message.tool_calls;
    assert.equal(answer.choices[0].finish_reason, "tool_calls");
    assert.equal(call.id, "call_1");
    assert.deepEqual(JSON.parse(call.function.arguments), { city: "Žilina" });
  },

  async falls_through_unseen() {
    const { data, response } = await client.chat.completions.create({ model: "fallback", messages }).withResponse();
    assert.equal(data.choices[0].message.content, "hello there");
    assert.equal(response.headers.get("x-429chain-attempts"), "2");
  },

  async abort() {
    const controller = new AbortController();
    const stream = await client.chat.completions.create({ model: "held", messages, stream: true }, { signal: controller.signal });
    let chunks = 0;
    for await (const chunk of stream) {
      assert.equal(chunk.choices[0].delta.content, "x");
      chunks += 1;
      controller.abort();
    }
    assert.equal(chunks, 1);
  },

  async abort_before_the_answer() {
    const controller = new AbortController();
    const pending = thrown(client.chat.completions.create({ model: "silent", messages }, { signal: controller.signal }));
    setTimeout(() => controller.abort(), 300);
    assert.ok((await pending) instanceof APIUserAbortError);
  },

  async authentication_error() {
    const stranger = new OpenAI({ baseURL, apiKey: "sk-wrong", maxRetries: 0 });
    const error = await thrown(stranger.chat.completions.create({ model: "plain", messages }));
    assert.ok(error instanceof AuthenticationError, String(error));
    assert.equal(error.status, 401);
    assert.equal(error.code, "invalid_api_key");
  },

  async not_found_error() {
    const error = await thrown(client.chat.completions.create({ model: "nothing", messages }));
    assert.ok(error instanceof NotFoundError, String(error));
    assert.equal(error.code, "model_not_found");
    assert.match(error.message, /plain/);
  },

  async rate_limit_error() {
    const error = await thrown(client.chat.completions.create({ model: "limited", messages }));
    assert.ok(error instanceof RateLimitError, String(error));
    assert.equal(error.code, "chain_exhausted");
    assert.ok(Number(error.headers.get("retry-after")) > 0);
    assert.equal(error.error.attempts.length, 1);
  },

  async rate_limit_error_of_a_stream() {
    const error = await thrown(client.chat.completions.create({ model: "limited", messages, stream: true }));
    assert.ok(error instanceof RateLimitError, String(error));
  },

  async retry_after_is_obeyed() {
    const patient = new OpenAI({ baseURL, apiKey, maxRetries: 3 });
    const answer = await patient.chat.completions.create({ model: "limited-once", messages });
    assert.equal(answer.choices[0].message.content, "hello there");
  },

  async bad_request_error() {
    const error = await thrown(client.chat.completions.create({ model: "refused", messages, temperature: 9 }));
    assert.ok(error instanceof BadRequestError, String(error));
    assert.equal(error.param, "temperature");
  },

  async bad_request_of_our_own() {
    const error = await thrown(client.chat.completions.create({ model: "", messages }));
    assert.ok(error instanceof BadRequestError, String(error));
    assert.equal(error.type, "invalid_request_error");
  },

  async internal_server_error() {
    const error = await thrown(client.chat.completions.create({ model: "down", messages }));
    assert.ok(error instanceof InternalServerError, String(error));
    assert.equal(error.status, 502);
    assert.equal(error.code, "chain_exhausted");
  },

  async error_in_mid_stream() {
    const stream = await client.chat.completions.create({ model: "broken", messages, stream: true });
    let text = "";
    const error = await thrown(
      (async () => {
        for await (const chunk of stream) text += chunk.choices[0].delta.content ?? "";
      })(),
    );
    assert.ok(error instanceof APIError, String(error));
    assert.equal(error.code, "stream_broken");
    assert.equal(text, "hal");
  },

  async models() {
    const ids = [];
    for await (const model of client.models.list()) ids.push(model.id);
    assert.ok(ids.includes("plain") && ids.includes("tools"), ids.join());
    assert.equal((await client.models.retrieve("plain")).id, "plain");
    assert.ok((await thrown(client.models.retrieve("nothing"))) instanceof NotFoundError);
  },

  async many_at_once() {
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, i) => client.chat.completions.create({ model: "plain", messages: [{ role: "user", content: `${i}` }] })),
    );
    assert.ok(answers.every((answer) => answer.choices[0].message.content === "hello there"));
  },
};

for (const [name, run] of Object.entries(cases)) {
  try {
    await run();
    console.log(JSON.stringify({ name, ok: true }));
  } catch (error) {
    console.log(JSON.stringify({ name, ok: false, error: String(error?.stack ?? error) }));
  }
}
process.exit(0);
