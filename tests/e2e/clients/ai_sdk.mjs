// Vercel's AI SDK, npm `ai` with `@ai-sdk/openai-compatible`.
import assert from "node:assert/strict";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import {
  APICallError,
  RetryError,
  generateObject,
  generateText,
  stepCountIs,
  streamObject,
  streamText,
  tool,
} from "ai";
import { z } from "zod";
import { STALL, STALL_IN_STREAM, TEXT, collect, countingFetch, sent, thrown, until } from "./harness.mjs";

const schema = z.object({ city: z.string(), degrees: z.number() });

function chat(scene, model, options = {}) {
  const provider = createOpenAICompatible({
    name: "gateway",
    baseURL: scene.baseURL,
    apiKey: scene.key,
    includeUsage: true,
    ...options,
  });
  return { model: provider.chatModel(model), prompt: "Hello", maxRetries: 0 };
}

async function errorOf(slot, scene, fault) {
  await slot.a.faults(fault);
  return thrown(generateText(chat(scene, slot.solo)));
}

function is(error, status, retryable) {
  assert.ok(APICallError.isInstance(error), `${error?.constructor?.name}: ${error}`);
  assert.deepEqual([error.statusCode, error.isRetryable], [status, retryable]);
}

// The pieces, and the error that ended them if one did: streamText reports it beside the text.
async function read(options) {
  let error;
  const result = streamText({ ...options, onError: (event) => (error = event.error) });
  return { result, text: await collect(result.textStream, (piece) => piece), error };
}

export async function fallsThrough(slot, scene) {
  assert.equal((await generateText(chat(scene, slot.chain))).text, TEXT);
  const { text, error } = await read(chat(scene, slot.chain));
  assert.deepEqual([text, error], [TEXT, undefined]);
}

export const cases = {
  async generate_text(slot, scene) {
    const answer = await generateText(chat(scene, slot.chain, { headers: { "x-team": "blue" } }));
    assert.deepEqual([answer.text, answer.finishReason], [TEXT, "stop"]);
    assert.ok(answer.usage.totalTokens > 0);
    assert.equal(answer.response.headers["x-429chain-chain"], slot.chain);
    assert.equal(answer.response.headers["x-429chain-attempts"], "1");
    assert.match((await slot.a.log())[0].head.toLowerCase(), /\r\nx-team: blue\r\n/);
  },

  async stream_text(slot, scene) {
    const { result, text, error } = await read(chat(scene, slot.chain));
    assert.deepEqual([text, error, await result.finishReason], [TEXT, undefined, "stop"]);
    assert.ok((await result.usage).totalTokens > 0);
    assert.equal((await result.response).headers["x-429chain-chain"], slot.chain);
  },

  async tool_call(slot, scene) {
    const asked = [];
    const weather = tool({
      inputSchema: z.object({ city: z.enum(["Oslo"]) }),
      execute: async ({ city }) => (asked.push(city), "sunny"),
    });
    const answer = await generateText({ ...chat(scene, slot.chain), tools: { weather }, stopWhen: stepCountIs(3) });
    assert.deepEqual([answer.text, answer.steps.length, asked], [TEXT, 2, ["Oslo"]]);
    assert.match(JSON.stringify(sent((await slot.a.log())[1]).messages.at(-1)), /sunny/);
  },

  async tool_call_in_a_stream(slot, scene) {
    await slot.a.faults({ fault: "only_comments" });
    const weather = tool({ inputSchema: z.object({ city: z.enum(["Oslo"]) }) });
    const { result, error } = await read({ ...chat(scene, slot.chain), tools: { weather } });
    const [call] = await result.toolCalls;
    assert.deepEqual(
      [error, await result.finishReason, call.toolName, call.input],
      [undefined, "tool-calls", "weather", { city: "Oslo" }],
    );
  },

  async generate_object(slot, scene) {
    await slot.a.answer({ text: '{"city":"Oslo","degrees":3}' });
    const { object } = await generateObject({ ...chat(scene, slot.chain), schema });
    assert.deepEqual(object, { city: "Oslo", degrees: 3 });
    assert.equal(sent((await slot.a.log())[0]).response_format.type, "json_object");
  },

  async stream_object(slot, scene) {
    await slot.a.answer({ text: '{"city":"Oslo","degrees":3}', chunks: 6 });
    const result = streamObject({ ...chat(scene, slot.chain), schema });
    let partial = 0;
    for await (const _ of result.partialObjectStream) partial += 1;
    assert.deepEqual(await result.object, { city: "Oslo", degrees: 3 });
    assert.ok(partial > 1);
  },

  async client_errors_are_not_retryable(slot, scene) {
    const body = { error: { message: "too hot", type: "invalid_request_error", param: "temperature", code: null } };
    const error = await errorOf(slot, scene, { fault: "status", status: 400, body });
    is(error, 400, false);
    assert.equal(error.message, "too hot");
    assert.deepEqual(error.data.error.param, "temperature");
    is(await thrown(generateText(chat(scene, slot.chain, { apiKey: "sk-wrong" }))), 401, false);
    is(await thrown(generateText(chat(scene, "nothing"))), 404, false);
  },

  async rate_limits_are_retryable(slot, scene) {
    const error = await errorOf(slot, scene, { fault: "rate_limit", retry_after: "30s" });
    is(error, 429, true);
    assert.ok(Number(error.responseHeaders["retry-after"]) >= 29);
    assert.equal(JSON.parse(error.responseBody).error.code, "chain_exhausted");
    is((await read(chat(scene, slot.solo))).error, 429, true);
  },

  async failures_are_retryable(slot, scene) {
    is(await errorOf(slot, scene, { fault: "status", status: 500 }), 502, true);
  },

  async refused_connection(slot, scene) {
    const error = await thrown(generateText(chat(scene, slot.chain, { baseURL: scene.refusedURL })));
    assert.ok(APICallError.isInstance(error), String(error));
    assert.deepEqual([error.statusCode, error.isRetryable], [undefined, true]);
  },

  async error_in_mid_stream(slot, scene) {
    await slot.a.faults({ fault: "break", at: "stream", after_chunks: 1 });
    const { text, error } = await read(chat(scene, slot.chain));
    assert.ok(text && TEXT.startsWith(text) && text !== TEXT, text);
    assert.match(JSON.stringify(error?.message ?? error), /stream broke off/);
  },

  async abort(slot, scene) {
    await slot.c.faults({ ...STALL, next: 1 });
    const controller = new AbortController();
    const error = thrown(generateText({ ...chat(scene, slot.single), abortSignal: controller.signal }));
    await slot.c.arrived();
    controller.abort();
    assert.equal((await error).name, "AbortError");
    await slot.c.left();
    await until(
      () =>
        generateText(chat(scene, slot.single)).then(
          () => true,
          () => false,
        ),
      "the only place to be free again",
    );
  },

  async abort_of_a_stream(slot, scene) {
    await slot.a.faults(STALL_IN_STREAM);
    const controller = new AbortController();
    let aborted = false;
    const result = streamText({
      ...chat(scene, slot.chain),
      abortSignal: controller.signal,
      onAbort: () => (aborted = true),
    });
    const text = await collect(result.textStream, (piece) => (controller.abort(), piece));
    assert.ok(text && TEXT.startsWith(text) && text !== TEXT, text);
    await until(() => aborted, "the abort to be told");
    await slot.a.left();
  },

  async no_retries(slot, scene) {
    await slot.a.faults({ fault: "status", status: 500 });
    const fetch = countingFetch();
    is(await thrown(generateText(chat(scene, slot.solo, { fetch }))), 502, true);
    assert.deepEqual(fetch.statuses, [502]);
  },

  async retries_run_out(slot, scene) {
    await slot.a.faults({ fault: "status", status: 500 });
    const fetch = countingFetch();
    const error = await thrown(generateText({ ...chat(scene, slot.solo, { fetch }), maxRetries: 1 }));
    assert.ok(RetryError.isInstance(error), String(error));
    assert.deepEqual([error.reason, error.errors.length], ["maxRetriesExceeded", 2]);
    assert.deepEqual(fetch.statuses, [502, 502]);
  },

  async retry_after_is_obeyed(slot, scene) {
    await slot.a.faults({ fault: "rate_limit", retry_after: "3s", next: 1 });
    const fetch = countingFetch();
    // Left to itself it asks again after 2 s.
    assert.equal((await generateText({ ...chat(scene, slot.solo, { fetch }), maxRetries: 1 })).text, TEXT);
    assert.deepEqual(fetch.statuses, [429, 200]);
  },
};
